#include "tls/record_cipher.h"

#include <doctest/doctest.h>

#include <numeric>
#include <set>
#include <string>

#include "unit/tls/hex.h"

using namespace tonio::tls;
using Failure = RecordCipher::Failure;

namespace {

using Vector = std::vector<unsigned char>;

// RFC 8448, section 3: what the client sends with its application keys.
const Vector kSecret =
    from_hex("9e40646ce79a7f9dc05af8889bce6552 875afa0b06df0087f792ebb7c17504a5");
const Vector kData = from_hex(
    "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f"
    "202122232425262728292a2b2c2d2e2f 3031");
const Vector kDataRecord = from_hex(
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd5"
    "4a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
const Vector kCloseRecord = from_hex("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3");

RecordCipher client(std::uint64_t sequence = 0) {
  return {*suite_of(0x1301), Secret{kSecret}, sequence};
}

Vector sealed(RecordCipher& cipher, ContentType type, const Vector& content) {
  Vector record;
  cipher.seal(type, content, record);
  return record;
}

// What mbedTLS makes of an inner plaintext that seal() would not make.
Vector sealed_as_it_is(const Vector& inner) {
  const Suite suite = *suite_of(0x1301);
  unsigned char key[16];
  unsigned char iv[12];
  expand_label(suite.hash, kSecret, "key", key);
  expand_label(suite.hash, kSecret, "iv", iv);
  const std::size_t size = inner.size() + 16;
  Vector record(5 + size);
  record[0] = 23;
  record[1] = record[2] = 3;
  record[3] = static_cast<unsigned char>(size >> 8);
  record[4] = static_cast<unsigned char>(size);
  mbedtls_cipher_context_t cipher;
  mbedtls_cipher_init(&cipher);
  REQUIRE(mbedtls_cipher_setup(&cipher, mbedtls_cipher_info_from_type(suite.cipher)) == 0);
  REQUIRE(mbedtls_cipher_setkey(&cipher, key, 128, MBEDTLS_ENCRYPT) == 0);
  std::size_t written = 0;
  REQUIRE(mbedtls_cipher_auth_encrypt_ext(&cipher, iv, 12, record.data(), 5, inner.data(),
                                          inner.size(), record.data() + 5, size, &written,
                                          16) == 0);
  mbedtls_cipher_free(&cipher);
  return record;
}

}  // namespace

TEST_CASE("records of RFC 8448") {
  RecordCipher sender = client();
  CHECK(sealed(sender, ContentType::kApplicationData, kData) == kDataRecord);
  CHECK(sealed(sender, ContentType::kAlert, {1, 0}) == kCloseRecord);
  CHECK(sender.sequence() == 2);

  RecordCipher receiver = client();
  Failure failure{};
  Vector record = kDataRecord;
  auto opened = receiver.open(record, failure);
  REQUIRE(opened);
  CHECK(opened->type == 23);
  CHECK(Vector(opened->content.begin(), opened->content.end()) == kData);
  record = kCloseRecord;
  opened = receiver.open(record, failure);
  REQUIRE(opened);
  CHECK(opened->type == 21);
  CHECK(Vector(opened->content.begin(), opened->content.end()) == Vector{1, 0});
}

TEST_CASE("any changed bit, a missing byte and another place in the order are noticed") {
  for (std::size_t bit = 0; bit < kDataRecord.size() * 8; ++bit) {
    Vector record = kDataRecord;
    record[bit / 8] = static_cast<unsigned char>(record[bit / 8] ^ (1U << bit % 8));
    RecordCipher receiver = client();
    Failure failure{};
    REQUIRE(!receiver.open(record, failure));
    CHECK(failure == Failure::kNotAuthentic);
  }
  for (std::size_t size = kRecordHeaderSize; size < kDataRecord.size(); ++size) {
    Vector record(kDataRecord.begin(), kDataRecord.begin() + static_cast<long>(size));
    RecordCipher receiver = client();
    Failure failure{};
    CHECK(!receiver.open(record, failure));
    CHECK(failure == Failure::kNotAuthentic);
  }
  Vector record = kDataRecord;
  RecordCipher receiver = client(1);
  Failure failure{};
  CHECK(!receiver.open(record, failure));
}

TEST_CASE("every suite, every generation, sizes to the largest") {
  for (const int number : {0x1301, 0x1302, 0x1303}) {
    const Suite suite = *suite_of(number);
    const Vector secret(suite.hash == MBEDTLS_MD_SHA384 ? 48 : 32, 7);
    RecordCipher sender(suite, Secret{secret});
    RecordCipher receiver(suite, Secret{secret});
    std::set<std::string> records;
    for (int generation = 0; generation < 5; ++generation) {
      for (const std::size_t size :
           {std::size_t{0}, std::size_t{1}, std::size_t{100}, kMaxContent}) {
        Vector content(size);
        std::iota(content.begin(), content.end(), static_cast<unsigned char>(1));
        Vector record = sealed(sender, ContentType::kApplicationData, content);
        CHECK(records.emplace(record.begin(), record.end()).second);
        Failure failure{};
        const auto opened = receiver.open(record, failure);
        REQUIRE(opened);
        CHECK(opened->type == 23);
        CHECK(Vector(opened->content.begin(), opened->content.end()) == content);
      }
      sender.update();
      CHECK(sender.sequence() == 0);
      // Not before the receiver goes along.
      Vector early = sealed(sender, ContentType::kApplicationData, {1});
      Failure failure{};
      CHECK(!receiver.open(early, failure));
      sender.update();
      receiver.update();
      receiver.update();
    }
  }
}

TEST_CASE("padding is taken off, and there must be a type before it") {
  Failure failure{};
  Vector inner{'h', 'i', 22};
  inner.resize(600);
  Vector record = sealed_as_it_is(inner);
  RecordCipher first = client();
  const auto opened = first.open(record, failure);
  REQUIRE(opened);
  CHECK(opened->type == 22);
  CHECK(Vector(opened->content.begin(), opened->content.end()) == Vector{'h', 'i'});

  for (const std::size_t zeros : {0, 1, 300}) {
    record = sealed_as_it_is(Vector(zeros));
    RecordCipher receiver = client();
    CHECK(!receiver.open(record, failure));
    CHECK(failure == Failure::kNoType);
  }

  Vector large(kMaxContent + 1, 23);
  record = sealed_as_it_is(large);
  RecordCipher second = client();
  CHECK(second.open(record, failure));
  large.push_back(0);
  record = sealed_as_it_is(large);
  RecordCipher third = client();
  CHECK(!third.open(record, failure));
  CHECK(failure == Failure::kTooLong);
}
