// AES-GCM (NIST SP 800-38D) for records, with the instructions that x86 has for
// it.
//
// mbedTLS encrypts and hashes one block after the other, ten times slower than
// the processor can (docs/decisions/0015). Its two functions for whole messages
// are replaced at link time
// (--wrap, see CMakeLists.txt) by the ones here, which use mbedTLS's own key
// schedule, and call the original for everything that isn't the usual case.
// AES-NI and PCLMULQDQ take the same time for all data, so there is nothing to
// measure from outside.
#include <mbedtls/aes.h>
#include <mbedtls/cipher.h>
#include <mbedtls/gcm.h>
#include <mbedtls/platform_util.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

extern "C" {
int __real_mbedtls_gcm_crypt_and_tag(mbedtls_gcm_context*, int, std::size_t, const unsigned char*,
                                     std::size_t, const unsigned char*, std::size_t,
                                     const unsigned char*, unsigned char*, std::size_t,
                                     unsigned char*);
int __real_mbedtls_gcm_auth_decrypt(mbedtls_gcm_context*, std::size_t, const unsigned char*,
                                    std::size_t, const unsigned char*, std::size_t,
                                    const unsigned char*, std::size_t, const unsigned char*,
                                    unsigned char*);
}

namespace tonio::tls {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kIvSize = 12;

#ifdef __x86_64__

#define TONIO_AES_TARGET __attribute__((target("aes,pclmul,ssse3,sse4.1")))

// Blocks that are under way at a time: enough to hide what one instruction
// waits for another.
constexpr std::size_t kLanes = 8;

TONIO_AES_TARGET inline __m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
TONIO_AES_TARGET inline void store(void* to, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i*>(to), value);
}

// GHASH counts a block's bits from the other end than the instructions do.
TONIO_AES_TARGET inline __m128i reversed(__m128i block) {
  return _mm_shuffle_epi8(block,
                          _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

// A sum of products in GF(2)[x], of 256 bits, not reduced yet.
struct Product {
  __m128i low, middle, high;
};

TONIO_AES_TARGET inline void add_product(Product& sum, __m128i a, __m128i b) {
  sum.low = _mm_xor_si128(sum.low, _mm_clmulepi64_si128(a, b, 0x00));
  sum.high = _mm_xor_si128(sum.high, _mm_clmulepi64_si128(a, b, 0x11));
  sum.middle = _mm_xor_si128(sum.middle, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x10),
                                                       _mm_clmulepi64_si128(a, b, 0x01)));
}

// Modulo x^128 + x^7 + x^2 + x + 1, for reversed operands: Gueron and Kounavis,
// "Intel Carry-Less Multiplication Instruction and its Usage for Computing the
// GCM Mode", algorithm 5.
TONIO_AES_TARGET inline __m128i reduced(const Product& sum) {
  __m128i low = _mm_xor_si128(sum.low, _mm_slli_si128(sum.middle, 8));
  __m128i high = _mm_xor_si128(sum.high, _mm_srli_si128(sum.middle, 8));
  // The product of reversed operands is one bit short: shift all 256 by one.
  const __m128i low_carry = _mm_srli_epi32(low, 31);
  const __m128i high_carry = _mm_srli_epi32(high, 31);
  low = _mm_or_si128(_mm_slli_epi32(low, 1), _mm_slli_si128(low_carry, 4));
  high = _mm_or_si128(_mm_slli_epi32(high, 1), _mm_slli_si128(high_carry, 4));
  high = _mm_or_si128(high, _mm_srli_si128(low_carry, 12));
  const __m128i first = _mm_xor_si128(
      _mm_xor_si128(_mm_slli_epi32(low, 31), _mm_slli_epi32(low, 30)), _mm_slli_epi32(low, 25));
  low = _mm_xor_si128(low, _mm_slli_si128(first, 12));
  const __m128i second =
      _mm_xor_si128(_mm_xor_si128(_mm_srli_epi32(low, 1), _mm_srli_epi32(low, 2)),
                    _mm_xor_si128(_mm_srli_epi32(low, 7), _mm_srli_si128(first, 4)));
  return _mm_xor_si128(high, _mm_xor_si128(low, second));
}

TONIO_AES_TARGET inline __m128i times(__m128i a, __m128i b) {
  Product product{};
  add_product(product, a, b);
  return reduced(product);
}

// One message under one key.
class Message {
 public:
  TONIO_AES_TARGET Message(const mbedtls_aes_context& key, const unsigned char* iv)
      : rounds_(key.MBEDTLS_PRIVATE(nr)) {
    const auto* schedule = reinterpret_cast<const unsigned char*>(key.MBEDTLS_PRIVATE(buf) +
                                                                  key.MBEDTLS_PRIVATE(rk_offset));
    for (int i = 0; i <= rounds_; ++i)
      keys_[i] = load(schedule + kBlock * static_cast<unsigned>(i));
    // H and its powers, the highest first: the first block of a row is
    // multiplied the most.
    powers_[kLanes - 1] = reversed(encrypted(_mm_setzero_si128()));
    for (std::size_t i = kLanes - 1; i > 0; --i)
      powers_[i - 1] = times(powers_[i], powers_[kLanes - 1]);
    unsigned char first[kBlock] = {};
    std::memcpy(first, iv, kIvSize);
    counter_ = reversed(load(first));
    mask_ = encrypted(next_counter());
  }
  ~Message() {
    mbedtls_platform_zeroize(keys_, sizeof keys_);
    mbedtls_platform_zeroize(powers_, sizeof powers_);
    mbedtls_platform_zeroize(&mask_, sizeof mask_);
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  TONIO_AES_TARGET void authenticate(const unsigned char* data, std::size_t size) {
    additional_ += size;
    for (; size >= kBlock; data += kBlock, size -= kBlock) hash_block(load(data));
    if (size > 0) hash_block(padded(data, size));
  }

  // `input` and `output` may be the same.
  template <bool kEncrypt>
  TONIO_AES_TARGET void crypt(const unsigned char* input, unsigned char* output, std::size_t size) {
    crypted_ += size;
    for (; size >= kLanes * kBlock; size -= kLanes * kBlock) {
      __m128i lanes[kLanes];
      for (__m128i& lane : lanes) lane = _mm_xor_si128(next_counter(), keys_[0]);
      for (int round = 1; round < rounds_; ++round) {
        const __m128i key = keys_[round];
        for (__m128i& lane : lanes) lane = _mm_aesenc_si128(lane, key);
      }
      Product sum{};
      for (std::size_t i = 0; i < kLanes; ++i) {
        const __m128i before = load(input + i * kBlock);
        const __m128i after = _mm_xor_si128(_mm_aesenclast_si128(lanes[i], keys_[rounds_]), before);
        store(output + i * kBlock, after);
        __m128i hashed = reversed(kEncrypt ? after : before);
        if (i == 0) hashed = _mm_xor_si128(hashed, hash_);
        add_product(sum, hashed, powers_[i]);
      }
      hash_ = reduced(sum);
      input += kLanes * kBlock;
      output += kLanes * kBlock;
    }
    while (size > 0) {
      const std::size_t part = size < kBlock ? size : kBlock;
      const __m128i before = padded(input, part);
      const __m128i stream = encrypted(next_counter());
      unsigned char after[kBlock];
      store(after, _mm_xor_si128(before, stream));
      std::memcpy(output, after, part);
      hash_block(kEncrypt ? padded(after, part) : before);
      input += part;
      output += part;
      size -= part;
    }
  }

  TONIO_AES_TARGET void tag(unsigned char* to) {
    const __m128i bits = _mm_set_epi64x(static_cast<long long>(additional_ * 8),
                                        static_cast<long long>(crypted_ * 8));
    hash_ = times(_mm_xor_si128(hash_, bits), powers_[kLanes - 1]);
    store(to, _mm_xor_si128(reversed(hash_), mask_));
  }

 private:
  // The last 32 bits of the block count, and wrap by themselves.
  TONIO_AES_TARGET __m128i next_counter() {
    counter_ = _mm_add_epi32(counter_, _mm_set_epi32(0, 0, 0, 1));
    return reversed(counter_);
  }
  TONIO_AES_TARGET __m128i encrypted(__m128i block) const {
    block = _mm_xor_si128(block, keys_[0]);
    for (int round = 1; round < rounds_; ++round) block = _mm_aesenc_si128(block, keys_[round]);
    return _mm_aesenclast_si128(block, keys_[rounds_]);
  }
  TONIO_AES_TARGET static __m128i padded(const unsigned char* data, std::size_t size) {
    unsigned char block[kBlock] = {};
    std::memcpy(block, data, size);
    return load(block);
  }
  TONIO_AES_TARGET void hash_block(__m128i block) {
    hash_ = times(_mm_xor_si128(hash_, reversed(block)), powers_[kLanes - 1]);
  }

  const int rounds_;
  __m128i keys_[15]{};
  __m128i powers_[kLanes];
  __m128i counter_;
  __m128i mask_;
  __m128i hash_ = _mm_setzero_si128();
  std::uint64_t additional_ = 0;
  std::uint64_t crypted_ = 0;
};

bool processor_has_aes() {
  static const bool has = __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
                          __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
  return has;
}

// The AES key of a GCM context that is used as TLS does; null for the original
// functions' cases.
const mbedtls_aes_context* usual_case(const mbedtls_gcm_context& context, std::size_t iv_size,
                                      std::size_t tag_size) {
  if (!processor_has_aes() || iv_size != kIvSize || tag_size != kBlock) return nullptr;
  const mbedtls_cipher_context_t& cipher = context.MBEDTLS_PRIVATE(cipher_ctx);
  switch (mbedtls_cipher_get_type(&cipher)) {
    case MBEDTLS_CIPHER_AES_128_ECB:
    case MBEDTLS_CIPHER_AES_192_ECB:
    case MBEDTLS_CIPHER_AES_256_ECB:
      return static_cast<const mbedtls_aes_context*>(cipher.MBEDTLS_PRIVATE(cipher_ctx));
    default:
      return nullptr;
  }
}

#endif

}  // namespace
}  // namespace tonio::tls

// Called by mbedTLS only, in place of the functions after the prefix; see gcm.h
// for what they take. `used`: the linker's references are unknown to the
// compiler.
extern "C" __attribute__((used)) int __wrap_mbedtls_gcm_crypt_and_tag(
    mbedtls_gcm_context* context, int mode, std::size_t size, const unsigned char* iv,
    std::size_t iv_size, const unsigned char* additional, std::size_t additional_size,
    const unsigned char* input, unsigned char* output, std::size_t tag_size, unsigned char* tag) {
#ifdef __x86_64__
  using namespace tonio::tls;
  const mbedtls_aes_context* key = usual_case(*context, iv_size, tag_size);
  if (key && mode == MBEDTLS_GCM_ENCRYPT) {
    Message message(*key, iv);
    message.authenticate(additional, additional_size);
    message.crypt<true>(input, output, size);
    message.tag(tag);
    return 0;
  }
#endif
  return __real_mbedtls_gcm_crypt_and_tag(context, mode, size, iv, iv_size, additional,
                                          additional_size, input, output, tag_size, tag);
}

extern "C" __attribute__((used)) int __wrap_mbedtls_gcm_auth_decrypt(
    mbedtls_gcm_context* context, std::size_t size, const unsigned char* iv, std::size_t iv_size,
    const unsigned char* additional, std::size_t additional_size, const unsigned char* tag,
    std::size_t tag_size, const unsigned char* input, unsigned char* output) {
#ifdef __x86_64__
  using namespace tonio::tls;
  if (const mbedtls_aes_context* key = usual_case(*context, iv_size, tag_size)) {
    Message message(*key, iv);
    message.authenticate(additional, additional_size);
    message.crypt<false>(input, output, size);
    unsigned char expected[kBlock];
    message.tag(expected);
    // Without a branch on what differs where.
    unsigned difference = 0;
    for (std::size_t i = 0; i < kBlock; ++i)
      difference |= static_cast<unsigned>(expected[i] ^ tag[i]);
    if (difference == 0) return 0;
    mbedtls_platform_zeroize(output, size);
    return MBEDTLS_ERR_GCM_AUTH_FAILED;
  }
#endif
  return __real_mbedtls_gcm_auth_decrypt(context, size, iv, iv_size, additional, additional_size,
                                         tag, tag_size, input, output);
}
