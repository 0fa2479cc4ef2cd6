// The replaced AES-GCM beside mbedTLS's own, which the linker knows under
// another name.
#include <doctest/doctest.h>
#include <mbedtls/gcm.h>

#include <cstring>
#include <random>
#include <vector>

extern "C" {
int __real_mbedtls_gcm_crypt_and_tag(mbedtls_gcm_context*, int, std::size_t, const unsigned char*,
                                     std::size_t, const unsigned char*, std::size_t,
                                     const unsigned char*, unsigned char*, std::size_t,
                                     unsigned char*);
}

namespace {

std::mt19937 random_source(1);

std::vector<unsigned char> random_bytes(std::size_t size) {
  std::vector<unsigned char> bytes(size);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random_source());
  return bytes;
}

struct Context {
  explicit Context(unsigned bits) {
    mbedtls_gcm_init(&gcm);
    const auto key = random_bytes(bits / 8);
    REQUIRE(mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key.data(), bits) == 0);
  }
  ~Context() { mbedtls_gcm_free(&gcm); }
  mbedtls_gcm_context gcm;
};

}  // namespace

TEST_CASE("AES-GCM gives what mbedTLS's own gives, for all sizes and keys") {
  for (const unsigned bits : {128U, 192U, 256U}) {
    Context context(bits);
    for (std::size_t size = 0; size < 700; size += size < 300 ? 1 : 37) {
      const auto iv = random_bytes(12), additional = random_bytes(size % 40),
                 plain = random_bytes(size);
      std::vector<unsigned char> expected(size), got(size), back(size);
      unsigned char expected_tag[16], tag[16];
      REQUIRE(__real_mbedtls_gcm_crypt_and_tag(
                  &context.gcm, MBEDTLS_GCM_ENCRYPT, size, iv.data(), 12, additional.data(),
                  additional.size(), plain.data(), expected.data(), 16, expected_tag) == 0);
      REQUIRE(mbedtls_gcm_crypt_and_tag(&context.gcm, MBEDTLS_GCM_ENCRYPT, size, iv.data(), 12,
                                        additional.data(), additional.size(), plain.data(),
                                        got.data(), 16, tag) == 0);
      REQUIRE(got == expected);
      REQUIRE(std::memcmp(tag, expected_tag, 16) == 0);
      // In place, as records are.
      back = got;
      REQUIRE(mbedtls_gcm_auth_decrypt(&context.gcm, size, iv.data(), 12, additional.data(),
                                       additional.size(), tag, 16, back.data(), back.data()) == 0);
      REQUIRE(back == plain);
      // One bit anywhere is noticed, and nothing comes out.
      auto damaged = got;
      if (size > 0) {
        damaged[random_source() % size] ^= 1;
      } else {
        tag[random_source() % 16] ^= 0x80;
      }
      REQUIRE(mbedtls_gcm_auth_decrypt(&context.gcm, size, iv.data(), 12, additional.data(),
                                       additional.size(), tag, 16, damaged.data(),
                                       damaged.data()) == MBEDTLS_ERR_GCM_AUTH_FAILED);
      REQUIRE(damaged == std::vector<unsigned char>(size));
    }
  }
}

TEST_CASE("other uses of AES-GCM than TLS's") {
  Context context(256);
  const auto iv = random_bytes(60), plain = random_bytes(100);
  std::vector<unsigned char> first(100), second(100);
  unsigned char tag[16], other[16];
  REQUIRE(mbedtls_gcm_crypt_and_tag(&context.gcm, MBEDTLS_GCM_ENCRYPT, 100, iv.data(), 60, nullptr,
                                    0, plain.data(), first.data(), 12, tag) == 0);
  REQUIRE(__real_mbedtls_gcm_crypt_and_tag(&context.gcm, MBEDTLS_GCM_ENCRYPT, 100, iv.data(), 60,
                                           nullptr, 0, plain.data(), second.data(), 12,
                                           other) == 0);
  CHECK(first == second);
  CHECK(std::memcmp(tag, other, 12) == 0);
}

TEST_CASE("AES-GCM, NIST's vector") {
  // The GCM specification's test case 14: AES-256, zero key and IV, one zero
  // block.
  mbedtls_gcm_context gcm;
  mbedtls_gcm_init(&gcm);
  const unsigned char zero[32] = {};
  unsigned char output[16], tag[16];
  REQUIRE(mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, zero, 256) == 0);
  REQUIRE(mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, 16, zero, 12, nullptr, 0, zero,
                                    output, 16, tag) == 0);
  const unsigned char expected[] = {0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e,
                                    0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18};
  const unsigned char expected_tag[] = {0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0,
                                        0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19};
  CHECK(std::memcmp(output, expected, 16) == 0);
  CHECK(std::memcmp(tag, expected_tag, 16) == 0);
  mbedtls_gcm_free(&gcm);
}
