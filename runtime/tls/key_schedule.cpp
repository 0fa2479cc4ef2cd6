#include "tls/key_schedule.h"

#include <mbedtls/hkdf.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl_ciphersuites.h>

#include <algorithm>
#include <new>

#include "base/check.h"

namespace tonio::tls {

Secret::Secret(std::span<const unsigned char> bytes) : size_(bytes.size()) {
  TONIO_CHECK(size_ <= kMaxSize);
  std::ranges::copy(bytes, bytes_.begin());
}

Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_), size_(other.size_) {
  other.erase();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = other.bytes_;
  size_ = other.size_;
  other.erase();
  return *this;
}

void Secret::erase() {
  mbedtls_platform_zeroize(bytes_.data(), bytes_.size());
  size_ = 0;
}

std::optional<Suite> suite_of(int number) {
  switch (number) {
    case MBEDTLS_TLS1_3_AES_128_GCM_SHA256:
      return Suite{MBEDTLS_CIPHER_AES_128_GCM, MBEDTLS_MD_SHA256};
    case MBEDTLS_TLS1_3_AES_256_GCM_SHA384:
      return Suite{MBEDTLS_CIPHER_AES_256_GCM, MBEDTLS_MD_SHA384};
    case MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256:
      return Suite{MBEDTLS_CIPHER_CHACHA20_POLY1305, MBEDTLS_MD_SHA256};
    default:
      return std::nullopt;
  }
}

void expand_label(mbedtls_md_type_t hash, std::span<const unsigned char> secret,
                  std::string_view label, std::span<unsigned char> into) {
  // struct { uint16 length; opaque label<7..255>; opaque context<0..255>; }
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<unsigned char, 2 + 1 + 255 + 1> info;
  TONIO_CHECK(into.size() <= Secret::kMaxSize && kPrefix.size() + label.size() <= 255);
  auto end = info.begin();
  *end++ = 0;
  *end++ = static_cast<unsigned char>(into.size());
  *end++ = static_cast<unsigned char>(kPrefix.size() + label.size());
  end = std::ranges::copy(kPrefix, end).out;
  end = std::ranges::copy(label, end).out;
  *end++ = 0;
  const int code = mbedtls_hkdf_expand(
      mbedtls_md_info_from_type(hash), secret.data(), secret.size(), info.data(),
      static_cast<std::size_t>(end - info.begin()), into.data(), into.size());
  if (code != 0) throw std::bad_alloc();
}

Secret next_generation(mbedtls_md_type_t hash, const Secret& secret) {
  std::array<unsigned char, Secret::kMaxSize> bytes;
  const auto next = std::span(bytes).first(secret.bytes().size());
  expand_label(hash, secret.bytes(), "traffic upd", next);
  Secret made{next};
  mbedtls_platform_zeroize(bytes.data(), bytes.size());
  return made;
}

}  // namespace tonio::tls
