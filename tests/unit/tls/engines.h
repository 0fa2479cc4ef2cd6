// Two engines that talk to each other in memory, and certificates for them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tls/engine.h"
#include "tls/issue.h"

namespace tonio::tls {

inline CertificatePair issue(const CertificateRequest& request) {
  std::string error;
  auto pair = issue_certificate(request, error);
  INFO(error);
  REQUIRE(pair);
  return *pair;
}

// One for the whole program: a key takes a while.
inline const CertificatePair& authority() {
  static const CertificatePair pair = issue({.names = {"Test authority"}, .authority = true});
  return pair;
}

inline std::shared_ptr<const Identity> load(const CertificatePair& pair) {
  std::string error;
  auto identity = Identity::load(pair.certificate, pair.key, "", error);
  INFO(error);
  REQUIRE(identity);
  return identity;
}

inline std::shared_ptr<const Identity> identity_for(const std::string& name, bool rsa = false) {
  return load(issue({.names = {name}, .rsa = rsa, .issuer = &authority()}));
}

inline Trust trust_in(const CertificatePair& pair) {
  Trust trust;
  std::string error;
  REQUIRE(load_trust(pair.certificate, trust, error));
  return trust;
}

inline Settings client_settings() {
  Settings settings;
  settings.trust = trust_in(authority());
  return settings;
}

inline Settings server_settings(std::shared_ptr<const Identity> identity = nullptr) {
  static const std::shared_ptr<const Identity> usual = identity_for("server.test");
  Settings settings;
  settings.side = Side::kServer;
  settings.verify = Verify::kNone;
  settings.identities = {identity ? std::move(identity) : usual};
  return settings;
}

inline std::shared_ptr<const Config> config(Settings settings) {
  std::string error;
  auto made = Config::make(std::move(settings), error);
  INFO(error);
  REQUIRE(made);
  return made;
}

inline std::unique_ptr<Engine> engine(const std::shared_ptr<const Config>& shared,
                                      const std::string& name = "") {
  std::string error;
  auto made = Engine::make(shared, name, error);
  INFO(error);
  REQUIRE(made);
  return made;
}

using Filter = std::function<void(Bytes&)>;

// What `from` has to send goes to `to`, at most `piece` bytes at a time.
inline bool carry(Engine& from, Engine& to, std::size_t piece = 1 << 20,
                  const Filter& filter = {}) {
  Bytes bytes;
  from.take_output(bytes);
  if (bytes.empty()) return false;
  if (filter) filter(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    to.add_input(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)));
  }
  return true;
}

struct Pair {
  Pair(const std::shared_ptr<const Config>& client_config,
       const std::shared_ptr<const Config>& server_config, const std::string& name = "server.test")
      : client(engine(client_config, name)), server(engine(server_config)) {}
  Pair(Settings client_set, Settings server_set, const std::string& name = "server.test")
      : Pair(config(std::move(client_set)), config(std::move(server_set)), name) {}

  // Until both are done or neither can go on.
  void shake() {
    for (int round = 0; round < 20; ++round) {
      client_status = client->handshake();
      const bool to_server = carry(*client, *server);
      server_status = server->handshake();
      const bool to_client = carry(*server, *client);
      if (!to_server && !to_client) break;
    }
  }
  void shake_well() {
    shake();
    INFO(client->error(), " / ", server->error());
    REQUIRE(client_status == Engine::Status::kDone);
    REQUIRE(server_status == Engine::Status::kDone);
  }

  std::unique_ptr<Engine> client;
  std::unique_ptr<Engine> server;
  Engine::Status client_status = Engine::Status::kNeedInput;
  Engine::Status server_status = Engine::Status::kNeedInput;
};

inline void write(Engine& to, const std::string& text) {
  REQUIRE(to.write({reinterpret_cast<const unsigned char*>(text.data()), text.size()}) ==
          Engine::Status::kDone);
}

// Everything that is there; `last` is how it ended.
inline std::string read(Engine& from, Engine::Status& last) {
  std::string text;
  for (;;) {
    unsigned char buffer[5000];
    std::size_t size = 0;
    last = from.read(buffer, size);
    if (last != Engine::Status::kDone) return text;
    text.append(reinterpret_cast<const char*>(buffer), size);
  }
}
inline std::string read(Engine& from) {
  Engine::Status last;
  const std::string text = read(from, last);
  CHECK(last == Engine::Status::kNeedInput);
  return text;
}

}  // namespace tonio::tls
