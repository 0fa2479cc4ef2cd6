// How connections are made: what a user sets, and the immutable form that any
// number of connections on any number of threads share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tls/certificates.h"

namespace tonio::tls {

enum class Side { kClient, kServer };

enum class Verify {
  kNone,      // any peer is accepted
  kOptional,  // a peer without a certificate is accepted, one with a bad one is
              // not
  kRequired,
};

// The protocol's numbers (RFC 8446, section 4.1.2).
enum class Version { kTls12 = 0x0303, kTls13 = 0x0304 };

struct Settings {
  Side side = Side::kClient;
  Verify verify = Verify::kRequired;
  // Clients: the certificate must be for the name that is connected to.
  bool check_hostname = true;
  Version minimum = Version::kTls12;
  Version maximum = Version::kTls13;
  // Most wanted first; each 1 to 255 bytes (RFC 7301).
  std::vector<std::string> alpn;
  // The first is the default; a server chooses by the name that the client asks
  // for.
  std::vector<std::shared_ptr<const Identity>> identities;
  Trust trust;
};

class Config {
 public:
  // Null, with the reason in words, when the settings contradict each other.
  static std::shared_ptr<const Config> make(Settings settings, std::string& error);
  ~Config();
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  const Settings& settings() const { return settings_; }

  // Of this folder's sources: mbedTLS's side of it.
  struct Parts;
  Parts& parts() const { return *parts_; }

 private:
  explicit Config(Settings settings);

  const Settings settings_;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace tonio::tls
