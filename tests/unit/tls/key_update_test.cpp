// Engines whose peer updates its key (RFC 8446, section 4.6.3).
#include <doctest/doctest.h>

#include <random>

#include "unit/tls/raw_peer.h"

using namespace tonio::tls;
using Status = Engine::Status;
using Content = RawPeer::Content;

namespace {

std::string random_text(std::size_t size) {
  std::mt19937 random(11);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// An engine of this side, and its peer, after the handshake.
struct Updating {
  explicit Updating(Side side, int suite = 0x1301)
      : peer(side == Side::kClient ? server_settings() : client_settings(), suite),
        engine(tonio::tls::engine(
            config(side == Side::kClient ? client_settings() : server_settings()),
            side == Side::kClient ? "server.test" : "")) {
    peer.shake(*engine);
    // The last tickets.
    peer.carry_to(*engine);
    CHECK(read(*engine).empty());
    peer.carry_from(*engine);
    while (peer.receive_content()) {
    }
  }

  std::string read_all() {
    peer.carry_to(*engine);
    return read(*engine);
  }
  void write_all(const std::string& text) {
    write(*engine, text);
    peer.carry_from(*engine);
  }
  // The engine must fail at what it has got, and say why to both.
  void check_refused(const std::string& words, unsigned char alert) {
    peer.carry_to(*engine);
    Status last;
    CHECK(read(*engine, last).empty());
    CHECK(last == Status::kFailed);
    CHECK(engine->error() == words);
    peer.carry_from(*engine);
    CHECK(peer.receive_content() == Content{21, {2, static_cast<char>(alert)}});
    CHECK(!peer.receive_content());
    const unsigned char byte = 0;
    CHECK(engine->write({&byte, 1}) == Status::kFailed);
  }

  RawPeer peer;
  std::unique_ptr<Engine> engine;
};

constexpr Side kSides[] = {Side::kClient, Side::kServer};
const Content kAnswer{22, std::string("\x18\0\0\x01\0", 5)};

}  // namespace

TEST_CASE("a peer's key is updated, with every suite") {
  for (const Side side : kSides) {
    for (const int suite : {0x1301, 0x1302, 0x1303}) {
      Updating at(side, suite);
      at.peer.send_data("before");
      at.peer.send_update(0);
      at.peer.send_data("after");
      CHECK(at.read_all() == "beforeafter");
      // Without a request our key stays.
      at.write_all("answer");
      CHECK(at.peer.receive_data() == "answer");
      at.peer.send_update(0);
      at.peer.send_update(0);
      at.peer.send_data("later");
      CHECK(at.read_all() == "later");
    }
  }
}

TEST_CASE("records without data are no end") {
  for (const Side side : kSides) {
    Updating at(side);
    for (const int updates : {0, 1}) {
      if (updates > 0) at.peer.send_update(0);
      at.peer.send_data("a");
      at.peer.send_data("");
      at.peer.send_data("");
      at.peer.send_data("b");
      CHECK(at.read_all() == "ab");
    }
  }
}

TEST_CASE("a request is answered before the next data, several ones once") {
  for (const Side side : kSides) {
    for (const int suite : {0x1301, 0x1302, 0x1303}) {
      Updating at(side, suite);
      at.write_all("with the first key");
      CHECK(at.peer.receive_data() == "with the first key");
      for (int round = 0; round < 3; ++round) {
        at.peer.send_update(1);
        at.peer.send_update(0);
        at.peer.send_update(1);
        at.peer.send_data("x");
        CHECK(at.read_all() == "x");
        CHECK(!at.engine->has_output());
        at.write_all("with the next key");
        CHECK(at.peer.receive_content() == kAnswer);
        CHECK(at.peer.receive_data() == "with the next key");
        at.write_all("and again");
        CHECK(at.peer.receive_data() == "and again");
      }
    }
  }
}

TEST_CASE("large data across updates, in pieces of any size") {
  const std::string big = random_text(150'000);
  for (const Side side : kSides) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{20'000}}) {
      Updating at(side);
      at.peer.send_data(big);
      at.peer.send_update(1);
      at.peer.send_data(big);
      at.peer.send_update(0);
      at.peer.send_data("end");
      const Bytes sent = std::exchange(at.peer.output, {});
      std::string got;
      for (std::size_t from = 0; from < sent.size(); from += piece) {
        at.engine->add_input(std::span(sent).subspan(from, std::min(piece, sent.size() - from)));
        got += read(*at.engine);
      }
      CHECK(got == big + big + "end");
      at.write_all(big);
      CHECK(at.peer.receive_content() == kAnswer);
      CHECK(at.peer.receive_data() == big);
    }
  }
}

TEST_CASE("the first KeyUpdate in two records, and behind a ticket") {
  Updating parts(Side::kServer);
  parts.peer.send_content(ContentType::kHandshake, {24, 0, 0, 1});
  parts.peer.send_content(ContentType::kHandshake, {0});
  parts.peer.sending->update();
  parts.peer.send_data("data");
  CHECK(parts.read_all() == "data");

  // A ticket as RFC 8446, section 4.6.1 has it: lifetime, age, nonce, ticket, no
  // extensions.
  Updating behind(Side::kClient);
  const Bytes both{4, 0, 0, 17,  0,   0,   1, 0, 0,  0, 0, 0, 1,
                   7, 0, 3, 't', 't', 't', 0, 0, 24, 0, 0, 1, 1};
  behind.peer.send_content(ContentType::kHandshake, both);
  behind.peer.sending->update();
  behind.peer.send_data("data");
  CHECK(behind.read_all() == "data");
  behind.write_all("answer");
  CHECK(behind.peer.receive_content() == kAnswer);
  CHECK(behind.peer.receive_data() == "answer");
}

TEST_CASE("bad KeyUpdates are refused, the first one and the second") {
  struct Case {
    Bytes content;
    std::string words;
    unsigned char alert;
  };
  const std::string out_of_turn = "the peer sent a message out of turn";
  const std::string unreadable = "the peer sent a message that can't be read";
  const Case cases[] = {
      {{24, 0, 0, 1, 2}, "the peer sent a value that TLS does not allow", 47},
      {{24, 0, 0, 0}, unreadable, 50},
      {{24, 0, 0, 2, 0, 0}, unreadable, 50},
      {{24, 0, 0, 1, 0, 24, 0, 0, 1, 0}, out_of_turn, 10},
      {{24, 0, 0, 1, 0, 0}, out_of_turn, 10},
      {{8, 0, 0, 2, 0, 0}, out_of_turn, 10},
  };
  for (const Side side : kSides) {
    for (const bool second : {false, true}) {
      for (const Case& each : cases) {
        Updating at(side);
        if (second) {
          at.peer.send_update(0);
          at.peer.send_data("x");
          CHECK(at.read_all() == "x");
        }
        at.peer.send_content(ContentType::kHandshake, each.content);
        at.check_refused(each.words, each.alert);
      }
    }
  }
}

TEST_CASE("in the handshake it is out of turn") {
  // In the clear, in place of the ClientHello.
  auto server = engine(config(server_settings()));
  const Bytes clear{22, 3, 3, 0, 5, 24, 0, 0, 1, 0};
  server->add_input(clear);
  CHECK(server->handshake() == Status::kFailed);
  CHECK(server->error() == "the peer sent a message out of turn");

  // In place of the client's Finished.
  server = engine(config(server_settings()));
  RawPeer peer(client_settings());
  for (int round = 0; round < 2; ++round) {
    while (peer.ssl.MBEDTLS_PRIVATE(state) != MBEDTLS_SSL_CLIENT_FINISHED &&
           mbedtls_ssl_handshake_step(&peer.ssl) == 0) {
    }
    peer.carry_to(*server);
    CHECK(server->handshake() == Status::kNeedInput);
    peer.carry_from(*server);
  }
  REQUIRE(peer.ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_CLIENT_FINISHED);
  peer.take_handshake_records_over();
  peer.send_content(ContentType::kHandshake, {24, 0, 0, 1, 0});
  peer.carry_to(*server);
  CHECK(server->handshake() == Status::kFailed);
  CHECK(server->error() == "the peer sent a message out of turn");
  CHECK(server->has_output());
}

TEST_CASE("damage after an update is noticed") {
  Updating at(Side::kServer);
  at.peer.send_update(0);
  at.peer.send_data("data");
  at.peer.output.back() ^= 1;
  at.check_refused("a record was tampered with or damaged on its way", 20);

  Updating old(Side::kServer);
  old.peer.send_content(ContentType::kHandshake, {24, 0, 0, 1, 1});
  old.peer.send_data("with the key before");
  old.check_refused("a record was tampered with or damaged on its way", 20);
}

TEST_CASE("alerts and the end after an update") {
  for (const Side side : kSides) {
    Updating closing(side);
    closing.peer.send_update(1);
    closing.peer.send_data("last words");
    closing.peer.send_content(ContentType::kAlert, {1, 0});
    closing.peer.carry_to(*closing.engine);
    Status last;
    CHECK(read(*closing.engine, last) == "last words");
    CHECK(last == Status::kClosed);
    closing.write_all("the other direction");
    CHECK(closing.peer.receive_content() == kAnswer);
    CHECK(closing.peer.receive_data() == "the other direction");
    closing.engine->close();
    closing.engine->close();
    closing.peer.carry_from(*closing.engine);
    CHECK(closing.peer.receive_content() == Content{21, std::string("\x01\0", 2)});
    CHECK(!closing.peer.receive_content());

    Updating refused(side);
    refused.peer.send_update(0);
    refused.peer.send_content(ContentType::kAlert, {2, 20});
    refused.peer.carry_to(*refused.engine);
    CHECK(read(*refused.engine, last).empty());
    CHECK(last == Status::kFailed);
    CHECK(refused.engine->error() == "the peer refused: bad record");

    Updating cut(side);
    cut.peer.send_update(0);
    cut.peer.send_data("first");
    cut.peer.send_data("second");
    cut.peer.output.pop_back();
    cut.peer.carry_to(*cut.engine);
    cut.engine->end_input();
    CHECK(read(*cut.engine, last) == "first");
    CHECK(last == Status::kTruncated);
    CHECK(cut.engine->error() == "the peer ended the connection without a close_notify");
  }
}

TEST_CASE("a peer that never stops updating gets no more out of us than one alert") {
  Updating at(Side::kServer);
  for (int i = 0; i < 10'000; ++i) at.peer.send_update(1);
  at.check_refused("the peer keeps sending messages without data", 10);
}
