#include "tls/records.h"

#include <doctest/doctest.h>

#include "unit/tls/raw_peer.h"

using namespace tonio::tls;
using Content = RawPeer::Content;

namespace {

// Two ends in memory, after the handshake: one with Records over mbedTLS, one
// with keys in its hands.
struct Ends {
  Ends()
      : own(server_settings()),
        peer(client_settings()),
        records(own.ssl, Side::kServer, {&own, RawPeer::send, RawPeer::receive}) {
    for (int round = 0; round < 6; ++round) {
      (void)mbedtls_ssl_handshake(&peer.ssl);
      own.input = std::exchange(peer.output, {});
      (void)mbedtls_ssl_handshake(&own.ssl);
      peer.input.insert(peer.input.end(), own.output.begin(), own.output.end());
      own.output.clear();
    }
    REQUIRE(mbedtls_ssl_is_handshake_over(&own.ssl));
    peer.take_records_over();
    while (peer.receive_content()) {
    }
  }

  std::string read() {
    unsigned char buffer[100];
    const int size = records.read(buffer);
    REQUIRE(size > 0);
    return {reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(size)};
  }
  void write(const std::string& text) {
    REQUIRE(records.write({reinterpret_cast<const unsigned char*>(text.data()), text.size()}) ==
            static_cast<int>(text.size()));
    peer.input = std::exchange(own.output, {});
  }

  RawPeer own;
  RawPeer peer;
  Records records;
};

const Content kUpdate{22, std::string("\x18\0\0\x01\0", 5)};

}  // namespace

TEST_CASE("our key is updated when it has protected enough records") {
  Ends ends;
  unsigned char limit[8] = {0, 0, 0, 0, 0, 0xff, 0xff, 0xff};
  std::memcpy(ends.own.ssl.MBEDTLS_PRIVATE(cur_out_ctr), limit, sizeof limit);
  ends.peer.receiving.emplace(ends.peer.used_suite(), Secret{ends.peer.secret(Side::kServer)},
                              kRecordsPerKey - 1);
  ends.write("the last one");
  CHECK(ends.peer.receive_data() == "the last one");
  ends.write("the first one");
  CHECK(ends.peer.receive_content() == kUpdate);
  CHECK(ends.peer.receive_data() == "the first one");
  CHECK(ends.peer.receiving->sequence() == 1);
  ends.write("the second one");
  CHECK(ends.peer.receive_data() == "the second one");
}

TEST_CASE("our key is updated while mbedTLS has half a record") {
  Ends ends;
  ends.peer.send_data("whole");
  Bytes bytes = std::exchange(ends.peer.output, {});
  ends.own.input.assign(bytes.begin(), bytes.end() - 3);
  unsigned char buffer[100];
  CHECK(ends.records.read(buffer) == MBEDTLS_ERR_SSL_WANT_READ);
  CHECK(ends.records.update_key(true) == 0);
  ends.write("data");
  const auto update = ends.peer.receive_content();
  CHECK(update == Content{22, std::string("\x18\0\0\x01\x01", 5)});
  CHECK(ends.peer.receive_data() == "data");
  ends.own.input.assign(bytes.end() - 3, bytes.end());
  CHECK(ends.read() == "whole");
  CHECK(!ends.records.receiver());
  // The peer's answer.
  ends.peer.send_update(0);
  ends.peer.send_data("answer");
  ends.own.input = std::exchange(ends.peer.output, {});
  CHECK(ends.read() == "answer");
  CHECK(ends.records.receiver());
  CHECK(ends.records.send_alert(1, 0) == 0);
  ends.peer.input = std::exchange(ends.own.output, {});
  CHECK(ends.peer.receive_content() == Content{21, std::string("\x01\0", 2)});
}

TEST_CASE("mbedTLS sends nothing more when its key was handed over") {
  Ends ends;
  CHECK(ends.records.update_key(false) == 0);
  ends.own.output.clear();
  ends.peer.send_data("damaged");
  ends.peer.output.back() ^= 1;
  ends.own.input = std::exchange(ends.peer.output, {});
  unsigned char buffer[100];
  CHECK(ends.records.read(buffer) == MBEDTLS_ERR_SSL_INVALID_MAC);
  CHECK(ends.own.output.empty());
}
