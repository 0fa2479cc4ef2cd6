#include "tls/key_schedule.h"

#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <utility>

#include "unit/tls/hex.h"

using namespace tonio::tls;

namespace {

using Vector = std::vector<unsigned char>;

Vector expanded(mbedtls_md_type_t hash, const Vector& secret, std::string_view label,
                std::size_t size) {
  Vector into(size);
  expand_label(hash, secret, label, into);
  return into;
}

Vector bytes_of(const Secret& secret) { return {secret.bytes().begin(), secret.bytes().end()}; }

// RFC 8448, section 3: the application traffic secrets.
const Vector kClient =
    from_hex("9e40646ce79a7f9dc05af8889bce6552 875afa0b06df0087f792ebb7c17504a5");
const Vector kServer =
    from_hex("a11af9f05531f856ad47116b45a95032 8204b4f44bfb6b3a4b4f1f3fcb631643");

}  // namespace

TEST_CASE("keys and IVs of RFC 8448") {
  CHECK(expanded(MBEDTLS_MD_SHA256, kClient, "key", 16) ==
        from_hex("17422dda596ed5d9acd890e3c63f5051"));
  CHECK(expanded(MBEDTLS_MD_SHA256, kClient, "iv", 12) == from_hex("5b78923dee08579033e523d9"));
  CHECK(expanded(MBEDTLS_MD_SHA256, kServer, "key", 16) ==
        from_hex("9f02283b6c9c07efc26bb9f2ac92e356"));
  CHECK(expanded(MBEDTLS_MD_SHA256, kServer, "iv", 12) == from_hex("cf782b88dd83549aadf1e984"));
}

TEST_CASE("the next generation, as Python's hmac module calculates it") {
  const Secret next = next_generation(MBEDTLS_MD_SHA256, Secret{kClient});
  CHECK(bytes_of(next) ==
        from_hex("fcdfcc72725aaee48bf64e4fd8b749cd bdbab39d90da0b26e2245ca6ea167207"));
  Vector long_secret(48);
  std::iota(long_secret.begin(), long_secret.end(), static_cast<unsigned char>(0));
  CHECK(bytes_of(next_generation(MBEDTLS_MD_SHA384, Secret{long_secret})) ==
        from_hex("401331b63e9d59f202e8f041042d9516 f4cd7fa2e2ee14631d3b49fc340d7af3"
                 "7fc2c0c9f252d8036f81ec5b85cbe5db"));
  CHECK(expanded(MBEDTLS_MD_SHA384, long_secret, "key", 32) ==
        from_hex("6877d022f1c61d24ebb7487c16752d9a 4798e40431c75b39320e537c90e23225"));
}

TEST_CASE("a secret that has moved on is erased") {
  Secret first{kClient};
  const unsigned char* place = first.bytes().data();
  const Secret second = std::move(first);
  CHECK(first.empty());
  CHECK(Vector(place, place + 32) == Vector(32, 0));
  CHECK(bytes_of(second) == kClient);
}

TEST_CASE("suites by their numbers") {
  CHECK(suite_of(0x1301)->cipher == MBEDTLS_CIPHER_AES_128_GCM);
  CHECK(suite_of(0x1301)->hash == MBEDTLS_MD_SHA256);
  CHECK(suite_of(0x1302)->cipher == MBEDTLS_CIPHER_AES_256_GCM);
  CHECK(suite_of(0x1302)->hash == MBEDTLS_MD_SHA384);
  CHECK(suite_of(0x1303)->cipher == MBEDTLS_CIPHER_CHACHA20_POLY1305);
  CHECK(suite_of(0x1303)->hash == MBEDTLS_MD_SHA256);
  CHECK(!suite_of(0x1304));
}
