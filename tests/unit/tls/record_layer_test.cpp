#include "tls/record_layer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

using namespace tonio::tls;

namespace {

using Vector = std::vector<unsigned char>;

const Suite kSuite = *suite_of(0x1301);
const Vector kSecret(32, 5);

// A transport in memory: what is to be received, and what was sent.
struct Wire {
  Vector bytes;
  bool ended = false;

  static int receive(void* object, unsigned char* data, std::size_t size) {
    auto& self = *static_cast<Wire*>(object);
    if (self.bytes.empty()) return self.ended ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
    const std::size_t part = std::min(size, self.bytes.size());
    std::copy_n(self.bytes.begin(), part, data);
    self.bytes.erase(self.bytes.begin(), self.bytes.begin() + static_cast<long>(part));
    return static_cast<int>(part);
  }
  static int send(void* object, const unsigned char* data, std::size_t size) {
    auto& self = *static_cast<Wire*>(object);
    self.bytes.insert(self.bytes.end(), data, data + size);
    return static_cast<int>(size);
  }
};

// A receiver, and the peer's key.
struct Receiving {
  explicit Receiving(Side side = Side::kClient)
      : peer(kSuite, Secret{kSecret}),
        receiver(side, kSuite, Secret{kSecret}, Wire::receive, &wire) {}

  void send(ContentType type, const Vector& content) { peer.seal(type, content, wire.bytes); }
  void send_data(const std::string& text) {
    send(ContentType::kApplicationData, {text.begin(), text.end()});
  }
  void send_update(unsigned char request) {
    send(ContentType::kHandshake, {24, 0, 0, 1, request});
    peer.update();
  }

  // All data that there is; `code` is how it ended.
  std::string read() {
    std::string text;
    unsigned char buffer[7];
    while ((code = receiver.read(buffer)) > 0)
      text.append(reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(code));
    return text;
  }
  void check_refused(int expected, unsigned char alert) {
    CHECK(read().empty());
    CHECK(code == expected);
    CHECK(receiver.refuses());
    CHECK(receiver.alert() == alert);
  }

  Wire wire;
  RecordCipher peer;
  RecordReceiver receiver;
  int code = 0;
};

constexpr int kUnexpected = MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
constexpr unsigned char kUnexpectedAlert = MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE;

}  // namespace

TEST_CASE("data between any number of updates") {
  Receiving at;
  std::string expected;
  for (int round = 0; round < 100; ++round) {
    const std::string text(static_cast<std::size_t>(round) * 13 + 1,
                           static_cast<char>('a' + round % 26));
    at.send_data(text);
    at.send_update(0);
    expected += text;
  }
  CHECK(at.read() == expected);
  CHECK(at.code == MBEDTLS_ERR_SSL_WANT_READ);
  CHECK(!at.receiver.update_requested());
  CHECK(!at.receiver.refuses());
}

TEST_CASE("byte by byte") {
  Receiving at;
  at.send_data("before");
  at.send_update(1);
  at.send_data("after");
  const Vector all = std::exchange(at.wire.bytes, {});
  std::string got;
  for (const unsigned char byte : all) {
    at.wire.bytes.push_back(byte);
    got += at.read();
    REQUIRE(at.code == MBEDTLS_ERR_SSL_WANT_READ);
  }
  CHECK(got == "beforeafter");
  CHECK(at.receiver.update_requested());
}

TEST_CASE("a KeyUpdate in parts, and behind a ticket in one record") {
  Receiving at;
  at.send(ContentType::kHandshake, {24, 0});
  at.send(ContentType::kHandshake, {0, 1});
  at.send(ContentType::kHandshake, {0});
  at.peer.update();
  at.send_data("one");
  Vector both{4, 0, 0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  both.insert(both.end(), {24, 0, 0, 1, 1});
  at.send(ContentType::kHandshake, both);
  at.peer.update();
  at.send_data("two");
  CHECK(at.read() == "onetwo");
  CHECK(at.code == MBEDTLS_ERR_SSL_WANT_READ);
  CHECK(at.receiver.update_requested());
}

TEST_CASE("a client passes over tickets of any size") {
  Receiving at;
  at.send(ContentType::kHandshake, {4, 1, 0, 0});
  for (int record = 0; record < 65536 / 4096; ++record)
    at.send(ContentType::kHandshake, Vector(4096, 24));
  at.send_data("data");
  CHECK(at.read() == "data");

  Receiving server(Side::kServer);
  server.send(ContentType::kHandshake, {4, 0, 0, 1, 0});
  server.check_refused(kUnexpected, kUnexpectedAlert);
}

TEST_CASE("what a peer must not send") {
  const auto refused = [](const Vector& content, int code, unsigned char alert,
                          ContentType type = ContentType::kHandshake) {
    Receiving at;
    at.send(type, content);
    at.check_refused(code, alert);
  };
  // A request that is neither of both, a wrong size.
  refused({24, 0, 0, 1, 2}, MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER,
          MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER);
  refused({24, 0, 0, 0}, MBEDTLS_ERR_SSL_DECODE_ERROR, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR);
  refused({24, 0, 0, 2, 0, 0}, MBEDTLS_ERR_SSL_DECODE_ERROR, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR);
  refused({24, 255, 255, 255}, MBEDTLS_ERR_SSL_DECODE_ERROR, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR);
  // The key changes at the end of a record.
  refused({24, 0, 0, 1, 0, 24, 0, 0, 1, 0}, kUnexpected, kUnexpectedAlert);
  // Other messages: HelloRequest, Finished, nothing at all.
  refused({0, 0, 0, 0}, kUnexpected, kUnexpectedAlert);
  refused({20, 0, 0, 1, 0}, kUnexpected, kUnexpectedAlert);
  refused({}, kUnexpected, kUnexpectedAlert);
  // An alert of another size; a ChangeCipherSpec.
  refused({1}, MBEDTLS_ERR_SSL_DECODE_ERROR, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR,
          ContentType::kAlert);
  refused({1}, kUnexpected, kUnexpectedAlert, static_cast<ContentType>(20));

  // Something else between the parts of a message.
  for (const ContentType type : {ContentType::kApplicationData, ContentType::kAlert}) {
    for (const Vector& begun : {Vector{24, 0}, Vector{4, 0, 0, 9, 1}}) {
      Receiving at;
      at.send(ContentType::kHandshake, begun);
      at.send(type, {1, 0});
      at.check_refused(kUnexpected, kUnexpectedAlert);
    }
  }
  // With the key before.
  Receiving late;
  late.send(ContentType::kHandshake, {24, 0, 0, 1, 0});
  late.send_data("old key");
  late.check_refused(MBEDTLS_ERR_SSL_INVALID_MAC, MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC);
}

TEST_CASE("what is no protected record") {
  const auto refused = [](const Vector& bytes, int code, unsigned char alert) {
    Receiving at;
    at.wire.bytes = bytes;
    at.check_refused(code, alert);
  };
  refused({21, 3, 3, 0, 2}, kUnexpected, kUnexpectedAlert);
  refused({20, 3, 3, 0, 1}, kUnexpected, kUnexpectedAlert);
  refused({'G', 'E', 'T', ' ', '/'}, kUnexpected, kUnexpectedAlert);
  // 2^14 + 256 is the most.
  refused({23, 3, 3, 0x41, 1}, MBEDTLS_ERR_SSL_INVALID_RECORD,
          MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW);
  Vector most(5 + 0x4100);
  most[0] = 23;
  most[3] = 0x41;
  refused(most, MBEDTLS_ERR_SSL_INVALID_MAC, MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC);
  refused({23, 3, 3, 0, 0}, MBEDTLS_ERR_SSL_INVALID_MAC, MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC);
}

TEST_CASE("alerts and the end") {
  Receiving closed;
  closed.send_data("last");
  closed.send(ContentType::kAlert, {1, MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY});
  CHECK(closed.read() == "last");
  CHECK(closed.code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  CHECK(!closed.receiver.refuses());

  Receiving refused;
  refused.send(ContentType::kAlert, {2, MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC});
  CHECK(refused.read().empty());
  CHECK(refused.code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
  CHECK(refused.receiver.alert() == MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC);
  CHECK(!refused.receiver.refuses());

  Receiving cut;
  cut.send_data("first");
  cut.send_data("second");
  cut.wire.bytes.pop_back();
  cut.wire.ended = true;
  CHECK(cut.read() == "first");
  CHECK(cut.code == MBEDTLS_ERR_SSL_CONN_EOF);
}

TEST_CASE("a peer that sends messages and no data is refused") {
  const auto flood = [](const auto& message) {
    Receiving at;
    for (int i = 0; i < 32; ++i) message(at);
    at.send_data("data");
    for (int i = 0; i < 32; ++i) message(at);
    CHECK(at.read() == "data");
    CHECK(at.code == MBEDTLS_ERR_SSL_WANT_READ);
    CHECK(!at.receiver.flooded());
    message(at);
    at.check_refused(kUnexpected, kUnexpectedAlert);
    CHECK(at.receiver.flooded());
  };
  flood([](Receiving& at) { at.send_update(1); });
  flood([](Receiving& at) { at.send_data(""); });
  flood([](Receiving& at) { at.send(ContentType::kHandshake, {4, 0, 0, 0}); });
  flood([](Receiving& at) {
    at.send(ContentType::kAlert, {1, MBEDTLS_SSL_ALERT_MSG_USER_CANCELED});
  });
}

TEST_CASE("a sender updates its key after what it sends") {
  Wire wire;
  RecordSender sender(kSuite, Secret{kSecret}, 3, 1000, Wire::send, &wire);
  const Vector data(2500, 'x');
  CHECK(sender.write(data) == 1000);
  CHECK(sender.records_sent() == 4);
  CHECK(sender.update_key(true) == 0);
  CHECK(sender.records_sent() == 0);
  CHECK(sender.write(std::span(data).first(10)) == 10);
  CHECK(sender.send_alert(1, 0) == 0);

  RecordCipher peer(kSuite, Secret{kSecret}, 3);
  const auto next = [&] {
    const std::size_t size = 5 + (std::size_t{wire.bytes[3]} << 8 | wire.bytes[4]);
    static Vector record;
    record.assign(wire.bytes.begin(), wire.bytes.begin() + static_cast<long>(size));
    wire.bytes.erase(wire.bytes.begin(), wire.bytes.begin() + static_cast<long>(size));
    RecordCipher::Failure failure{};
    const auto opened = peer.open(record, failure);
    REQUIRE(opened);
    return std::pair{int{opened->type}, Vector(opened->content.begin(), opened->content.end())};
  };
  CHECK(next() == std::pair{23, Vector(1000, 'x')});
  CHECK(next() == std::pair{22, Vector{24, 0, 0, 1, 1}});
  peer.update();
  CHECK(next() == std::pair{23, Vector(10, 'x')});
  CHECK(next() == std::pair{21, Vector{1, 0}});
  CHECK(wire.bytes.empty());
}
