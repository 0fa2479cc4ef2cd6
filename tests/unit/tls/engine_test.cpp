#include "tls/engine.h"

#include <doctest/doctest.h>

#include <random>

#include "unit/tls/engines.h"

using namespace tonio::tls;
using Status = Engine::Status;

namespace {

Settings at(Version version, Settings settings) {
  settings.minimum = settings.maximum = version;
  return settings;
}

const Version kVersions[] = {Version::kTls12, Version::kTls13};

std::string random_text(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

}  // namespace

TEST_CASE("both versions, both kinds of keys: data goes both ways") {
  for (const Version version : kVersions) {
    for (const bool rsa : {false, true}) {
      Pair pair(at(version, client_settings()), server_settings(identity_for("server.test", rsa)));
      pair.shake_well();
      const std::string expected = version == Version::kTls13 ? "TLSv1.3" : "TLSv1.2";
      CHECK(pair.client->version() == expected);
      CHECK(pair.server->version() == expected);
      const std::string key_kind = rsa ? "RSA" : "ECDSA";
      CHECK(pair.client->cipher() == (version == Version::kTls13
                                          ? "TLS_AES_128_GCM_SHA256"
                                          : "TLS_ECDHE_" + key_kind + "_WITH_AES_128_GCM_SHA256"));
      CHECK(!pair.client->resumed());
      CHECK(!pair.client->peer_certificate().empty());
      CHECK(pair.server->peer_certificate().empty());
      const std::string big = random_text(300'000);
      write(*pair.client, "hello");
      write(*pair.client, big);
      carry(*pair.client, *pair.server);
      CHECK(read(*pair.server) == "hello" + big);
      write(*pair.server, big);
      carry(*pair.server, *pair.client);
      CHECK(read(*pair.client) == big);
    }
  }
}

TEST_CASE("one byte at a time") {
  for (const Version version : kVersions) {
    Pair pair(at(version, client_settings()), server_settings());
    for (int round = 0; round < 20; ++round) {
      pair.client->handshake();
      Bytes bytes;
      pair.client->take_output(bytes);
      for (const unsigned char byte : bytes) {
        pair.server->add_input({&byte, 1});
        REQUIRE(pair.server->handshake() != Status::kFailed);
      }
      bytes.clear();
      pair.server->take_output(bytes);
      for (const unsigned char byte : bytes) {
        pair.client->add_input({&byte, 1});
        REQUIRE(pair.client->handshake() != Status::kFailed);
      }
    }
    REQUIRE(pair.client->handshake_done());
    REQUIRE(pair.server->handshake_done());
    const std::string text = random_text(20'000);
    write(*pair.client, text);
    Bytes bytes;
    pair.client->take_output(bytes);
    std::string got;
    for (const unsigned char byte : bytes) {
      pair.server->add_input({&byte, 1});
      got += read(*pair.server);
    }
    CHECK(got == text);
  }
}

TEST_CASE("orderly close and truncation differ") {
  for (const Version version : kVersions) {
    Pair pair(at(version, client_settings()), server_settings());
    pair.shake_well();
    write(*pair.client, "last words");
    pair.client->close();
    pair.client->close();
    carry(*pair.client, *pair.server);
    pair.server->end_input();
    Status last;
    CHECK(read(*pair.server, last) == "last words");
    CHECK(last == Status::kClosed);
    write(*pair.server, "the other direction");
    carry(*pair.server, *pair.client);
    CHECK(read(*pair.client) == "the other direction");
    pair.client->end_input();
    CHECK(read(*pair.client, last).empty());
    CHECK(last == Status::kTruncated);
    CHECK(pair.client->error() == "the peer ended the connection without a close_notify");
  }
}

TEST_CASE("truncated in the handshake, at every byte") {
  for (const Version version : kVersions) {
    Pair whole(at(version, client_settings()), server_settings());
    whole.client->handshake();
    Bytes hello;
    whole.client->take_output(hello);
    const auto shared = config(server_settings());
    for (std::size_t size = 0; size < hello.size(); ++size) {
      auto server = engine(shared);
      server->add_input(std::span(hello).first(size));
      server->end_input();
      REQUIRE(server->handshake() == Status::kTruncated);
      CHECK(server->error() == "the peer ended the connection during the handshake");
    }
  }
}

TEST_CASE("garbage is refused in words, with an alert") {
  const auto shared = config(server_settings());
  for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                                     random_text(3000), std::string(100, '\0')}) {
    auto server = engine(shared);
    server->add_input({reinterpret_cast<const unsigned char*>(garbage.data()), garbage.size()});
    REQUIRE(server->handshake() == Status::kFailed);
    CHECK(!server->error().empty());
    CHECK(server->handshake() == Status::kFailed);
  }
  auto server = engine(shared);
  server->add_input({reinterpret_cast<const unsigned char*>("GET / HTTP/1.1\r\n"), 16});
  server->handshake();
  CHECK(server->error() == "what the peer sent is not TLS");
}

TEST_CASE("a damaged record ends the connection") {
  for (const Version version : kVersions) {
    Pair pair(at(version, client_settings()), server_settings());
    pair.shake_well();
    write(*pair.client, "whole");
    write(*pair.client, "damaged");
    carry(*pair.client, *pair.server, 1 << 20, [](Bytes& bytes) { bytes.back() ^= 1; });
    Status last;
    CHECK(read(*pair.server, last) == "whole");
    CHECK(last == Status::kFailed);
    CHECK(pair.server->error() == "a record was tampered with or damaged on its way");
    CHECK(pair.server->write({reinterpret_cast<const unsigned char*>("x"), 1}) == Status::kFailed);
    carry(*pair.server, *pair.client);
    CHECK(read(*pair.client, last).empty());
    CHECK(last == Status::kFailed);
    CHECK(pair.client->error() == "the peer refused: bad record");
  }
}

TEST_CASE("ALPN") {
  for (const Version version : kVersions) {
    Settings client = at(version, client_settings());
    Settings server = server_settings();
    client.alpn = {"h2", "http/1.1"};
    server.alpn = {"http/1.1"};
    Pair agreed(client, server);
    agreed.shake_well();
    CHECK(agreed.client->alpn() == "http/1.1");
    CHECK(agreed.server->alpn() == "http/1.1");
    server.alpn = {"other"};
    Pair apart(client, server);
    apart.shake();
    CHECK(apart.server->error() == "no ALPN protocol in common with the peer");
    CHECK(apart.client->error() == "the peer refused: no application protocol");
    server.alpn = {};
    Pair silent(client, server);
    silent.shake_well();
    CHECK(silent.client->alpn().empty());
  }
}

TEST_CASE("versions that do not overlap") {
  Pair old_client(at(Version::kTls12, client_settings()), at(Version::kTls13, server_settings()));
  old_client.shake();
  CHECK(old_client.client_status == Status::kFailed);
  CHECK(old_client.server_status == Status::kFailed);
  CHECK(old_client.client->error() == "the peer refused: protocol version not supported");
  Pair old_server(at(Version::kTls13, client_settings()), at(Version::kTls12, server_settings()));
  old_server.shake();
  CHECK(old_server.client_status == Status::kFailed);
  CHECK(old_server.server_status == Status::kFailed);
}

TEST_CASE("a server chooses its certificate by name") {
  for (const Version version : kVersions) {
    Settings set = server_settings();
    set.identities = {identity_for("default.test"), identity_for("*.wild.test"),
                      identity_for("one.wild.test")};
    const auto server = config(set);
    const auto client = config(at(version, client_settings()));
    const auto subject = [&](const std::string& name) {
      Pair pair(client, server, name);
      pair.shake();
      if (pair.client_status != Status::kDone) return pair.client->error();
      return certificate_info(pair.client->peer_certificate())->subject[0].second;
    };
    CHECK(subject("default.test") == "default.test");
    CHECK(subject("two.wild.test") == "*.wild.test");
    CHECK(subject("one.wild.test") == "one.wild.test");
    CHECK(subject("ONE.wild.test") == "one.wild.test");
    CHECK(subject("one.wild.test.") == "one.wild.test");
    CHECK(subject("a.b.wild.test") ==
          "certificate is not valid for 'a.b.wild.test' (CN=default.test)");
  }
}

TEST_CASE("client certificates") {
  for (const Version version : kVersions) {
    const auto id = identity_for("client.test");
    Settings server = server_settings();
    server.trust = trust_in(authority());
    Settings client = at(version, client_settings());
    const auto stranger = load(issue({.names = {"stranger.test"}}));
    for (const Verify verify : {Verify::kOptional, Verify::kRequired}) {
      server.verify = verify;
      client.identities = {id};
      Pair good(client, server);
      good.shake_well();
      CHECK(certificate_info(good.server->peer_certificate())->subject[0].second == "client.test");
      client.identities = {stranger};
      Pair bad(client, server);
      bad.shake();
      CHECK(bad.server_status == Status::kFailed);
      CHECK(bad.server->error() == "certificate has an unknown issuer (CN=stranger.test)");
    }
    client.identities = {};
    Pair none(client, server);
    none.shake();
    CHECK(none.server_status == Status::kFailed);
    CHECK(none.server->error() == "the client sent no certificate");
    server.verify = Verify::kOptional;
    Pair optional(client, server);
    optional.shake_well();
    CHECK(optional.server->peer_certificate().empty());
  }
}

TEST_CASE("sessions are resumed with tickets") {
  for (const Version version : kVersions) {
    const auto client = config(at(version, client_settings()));
    const auto server = config(server_settings());
    for (int round = 0; round < 4; ++round) {
      Pair pair(client, server);
      pair.shake_well();
      CHECK(pair.client->resumed() == (round > 0));
      CHECK(pair.server->resumed() == (round > 0));
      CHECK(certificate_info(pair.client->peer_certificate())->subject[0].second == "server.test");
      // TLS 1.3's tickets come with the first data.
      write(*pair.server, "data");
      carry(*pair.server, *pair.client);
      CHECK(read(*pair.client) == "data");
    }
    // Another server has other keys: a full handshake, not an error.
    Pair elsewhere(client, config(server_settings()));
    elsewhere.shake_well();
    CHECK(!elsewhere.client->resumed());
  }
}

TEST_CASE("a ticket that has come in halfway does not stop writing") {
  const auto client = config(at(Version::kTls13, client_settings()));
  Pair pair(client, config(server_settings()));
  for (int round = 0; round < 20 && !pair.server->handshake_done(); ++round) {
    pair.client->handshake();
    carry(*pair.client, *pair.server);
    pair.server->handshake();
    if (!pair.server->handshake_done()) carry(*pair.server, *pair.client);
  }
  Bytes tickets;
  pair.server->take_output(tickets);
  REQUIRE(tickets.size() > 20);
  pair.client->add_input(std::span(tickets).first(20));
  CHECK(read(*pair.client).empty());
  write(*pair.client, "before");
  pair.client->add_input(std::span(tickets).subspan(20));
  write(*pair.client, " after");
  CHECK(read(*pair.client).empty());
  carry(*pair.client, *pair.server);
  CHECK(read(*pair.server) == "before after");
}
