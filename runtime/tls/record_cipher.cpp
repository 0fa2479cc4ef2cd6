#include "tls/record_cipher.h"

#include <mbedtls/platform_util.h>

#include <new>
#include <utility>

#include "base/check.h"

namespace tonio::tls {

RecordCipher::RecordCipher(const Suite& suite, Secret secret, std::uint64_t sequence)
    : suite_(suite), secret_(std::move(secret)), sequence_(sequence) {
  mbedtls_cipher_init(&cipher_);
  derive();
}

RecordCipher::~RecordCipher() {
  mbedtls_cipher_free(&cipher_);
  mbedtls_platform_zeroize(iv_.data(), iv_.size());
}

// Section 7.3.
void RecordCipher::derive() {
  // First, so that a failure leaves no old key to be used with numbers that begin anew.
  mbedtls_cipher_free(&cipher_);
  mbedtls_cipher_init(&cipher_);
  const mbedtls_cipher_info_t* info = mbedtls_cipher_info_from_type(suite_.cipher);
  std::array<unsigned char, 32> key;
  const auto used = std::span(key).first(mbedtls_cipher_info_get_key_bitlen(info) / 8);
  expand_label(suite_.hash, secret_.bytes(), "key", used);
  expand_label(suite_.hash, secret_.bytes(), "iv", iv_);
  // Either operation suits: the modes use the block cipher in one direction.
  int code = mbedtls_cipher_setup(&cipher_, info);
  if (code == 0) {
    code = mbedtls_cipher_setkey(&cipher_, used.data(), static_cast<int>(used.size() * 8),
                                 MBEDTLS_ENCRYPT);
  }
  mbedtls_platform_zeroize(key.data(), key.size());
  if (code == 0) return;
  mbedtls_cipher_free(&cipher_);
  throw std::bad_alloc();
}

void RecordCipher::update() {
  secret_ = next_generation(suite_.hash, secret_);
  sequence_ = 0;
  derive();
}

RecordCipher::Nonce RecordCipher::next_nonce() {
  Nonce nonce = iv_;
  for (std::size_t i = 0; i < sizeof sequence_; ++i)
    nonce[kIvSize - 1 - i] ^= static_cast<unsigned char>(sequence_ >> (8 * i));
  ++sequence_;
  return nonce;
}

void RecordCipher::seal(ContentType type, std::span<const unsigned char> content,
                        std::vector<unsigned char>& into) {
  TONIO_CHECK(content.size() <= kMaxContent);
  const std::size_t plain = content.size() + 1;
  const std::size_t size = plain + kTagSize;
  const std::size_t begin = into.size();
  into.reserve(begin + kRecordHeaderSize + size);
  for (const std::size_t byte : {std::size_t{23}, std::size_t{3}, std::size_t{3}, size >> 8, size})
    into.push_back(static_cast<unsigned char>(byte));
  into.insert(into.end(), content.begin(), content.end());
  into.push_back(static_cast<unsigned char>(type));
  into.resize(begin + kRecordHeaderSize + size);
  const unsigned char* header = into.data() + begin;
  unsigned char* body = into.data() + begin + kRecordHeaderSize;
  const Nonce nonce = next_nonce();
  std::size_t written = 0;
  const int code = mbedtls_cipher_auth_encrypt_ext(&cipher_, nonce.data(), nonce.size(), header,
                                                   kRecordHeaderSize, body, plain, body, size,
                                                   &written, kTagSize);
  TONIO_CHECK(code == 0 && written == size);
}

std::optional<RecordCipher::Opened> RecordCipher::open(std::span<unsigned char> record,
                                                       Failure& failure) {
  const auto body = record.subspan(kRecordHeaderSize);
  const Nonce nonce = next_nonce();
  std::size_t size = 0;
  if (body.size() < kTagSize ||
      mbedtls_cipher_auth_decrypt_ext(&cipher_, nonce.data(), nonce.size(), record.data(),
                                      kRecordHeaderSize, body.data(), body.size(), body.data(),
                                      body.size(), &size, kTagSize) != 0) {
    failure = Failure::kNotAuthentic;
    return std::nullopt;
  }
  if (size > kMaxContent + 1) {
    failure = Failure::kTooLong;
    return std::nullopt;
  }
  // The content, its type, and zeros as many as the peer likes.
  while (size > 0 && body[size - 1] == 0) --size;
  if (size == 0) {
    failure = Failure::kNoType;
    return std::nullopt;
  }
  return Opened{body[size - 1], body.first(size - 1)};
}

}  // namespace tonio::tls
