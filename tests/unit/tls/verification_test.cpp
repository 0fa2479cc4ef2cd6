#include <doctest/doctest.h>

#include <chrono>

#include "tls/engine.h"
#include "unit/tls/engines.h"

using namespace tonio::tls;
using namespace std::chrono_literals;

namespace {

// What the client says of a server with this certificate; "" when it is
// content.
std::string verdict(const CertificatePair& certificate, const std::string& name,
                    Settings client = client_settings()) {
  std::string first;
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    client.minimum = client.maximum = version;
    Pair pair(client, server_settings(load(certificate)), name);
    pair.shake();
    CHECK((pair.client_status == Engine::Status::kDone) == pair.client->error().empty());
    if (version == Version::kTls12) first = pair.client->error();
    CHECK(pair.client->error() == first);
    if (!first.empty()) {
      CHECK(pair.server_status == Engine::Status::kFailed);
      CHECK_MESSAGE(pair.server->error().starts_with("the peer refused: "), pair.server->error());
    }
  }
  return first;
}

CertificatePair from_authority(CertificateRequest request) {
  request.issuer = &authority();
  return issue(request);
}

}  // namespace

TEST_CASE("names") {
  const CertificatePair certificate =
      from_authority({.names = {"one.test", "*.two.test", "192.0.2.7", "2001:db8::7"}});
  for (const char* name :
       {"one.test", "ONE.test", "a.two.test", "192.0.2.7", "2001:db8::7", "2001:db8:0::7"}) {
    CHECK(verdict(certificate, name) == "");
  }
  for (const std::string name :
       {"other.test", "two.test", "a.b.two.test", "192.0.2.8", "2001:db8::8"}) {
    CHECK(verdict(certificate, name) ==
          "certificate is not valid for '" + name + "' (CN=one.test)");
  }
  Settings lax = client_settings();
  lax.check_hostname = false;
  CHECK(verdict(certificate, "other.test", lax) == "");
  CHECK(verdict(certificate, "", lax) == "");
  lax.verify = Verify::kNone;
  CHECK(verdict(issue({.names = {"stranger.test"}}), "other.test", lax) == "");
}

TEST_CASE("times and issuers") {
  const auto now = std::chrono::system_clock::now();
  CHECK(verdict(from_authority({.names = {"server.test"}, .not_after = now - 1min}),
                "server.test") == "certificate has expired (CN=server.test)");
  CHECK(verdict(from_authority({.names = {"server.test"}, .not_before = now + 1h}),
                "server.test") == "certificate is not yet valid (CN=server.test)");
  CHECK(verdict(issue({.names = {"server.test"}}), "server.test") ==
        "certificate has an unknown issuer (CN=server.test)");
  CHECK(verdict(issue({.names = {"server.test"}, .not_after = now - 1min}), "other.test") ==
        "certificate is not valid for 'other.test' (CN=server.test); "
        "certificate has expired (CN=server.test); "
        "certificate has an unknown issuer (CN=server.test)");
}

TEST_CASE("chains") {
  const CertificatePair intermediate =
      from_authority({.names = {"Intermediate"}, .authority = true});
  const CertificatePair server = issue({.names = {"server.test"}, .issuer = &intermediate});
  CHECK(verdict(server, "server.test") == "certificate has an unknown issuer (CN=server.test)");
  CHECK(verdict({server.certificate + intermediate.certificate, server.key}, "server.test") == "");
  // The root sent along, and before the intermediate, does no harm.
  CHECK(
      verdict({server.certificate + authority().certificate + intermediate.certificate, server.key},
              "server.test") == "");
  std::string error;
  CHECK(!Identity::load(intermediate.certificate + server.certificate, server.key, "", error));
  CHECK(error ==
        "the private key belongs to certificate 2 of the chain "
        "(CN=server.test), which must be the first");
  // One that is no authority can't issue.
  const CertificatePair common = from_authority({.names = {"common.test"}});
  const CertificatePair child = issue({.names = {"server.test"}, .issuer = &common});
  CHECK(verdict({child.certificate + common.certificate, child.key}, "server.test") ==
        "certificate has an unknown issuer (CN=server.test)");
}

TEST_CASE("settings that contradict each other") {
  std::string error;
  Settings server;
  server.side = Side::kServer;
  CHECK(!Config::make(server, error));
  CHECK(error ==
        "a TLS server needs a certificate and its private key: call "
        "load_cert_chain() first");
  CHECK(!Config::make(Settings{}, error));
  CHECK(error.starts_with("there are no trusted certificates"));
  Settings swapped = client_settings();
  swapped.minimum = Version::kTls13;
  swapped.maximum = Version::kTls12;
  CHECK(!Config::make(swapped, error));
  CHECK(error == "minimum_version is above maximum_version");
  CHECK(!Engine::make(config(client_settings()), "", error));
  CHECK(error == "a TLS client that checks host names needs server_hostname");
}

TEST_CASE("what can't be loaded is told") {
  std::string error;
  const CertificatePair& pair = authority();
  CHECK(!Identity::load("nonsense", pair.key, "", error));
  CHECK(error.starts_with("not a certificate that can be read: "));
  CHECK(!Identity::load(pair.key, pair.key, "", error));
  CHECK(error == "there is no certificate in it");
  CHECK(!Identity::load(pair.certificate, pair.certificate, "", error));
  CHECK(error == "there is no private key in it");
  CHECK(!Identity::load(pair.certificate, issue({.names = {"x"}}).key, "", error));
  CHECK(error == "the private key does not belong to the certificate (CN=Test authority)");
  CHECK(Identity::load(pair.key + pair.certificate, pair.key + pair.certificate, "", error));
  Trust trust;
  CHECK(!load_trust(pair.key, trust, error));
  CHECK(error == "there is no certificate and no revocation list in it");
}

TEST_CASE("what a certificate says") {
  const auto when = std::chrono::system_clock::time_point(std::chrono::seconds(1767605683));
  const CertificatePair pair =
      issue({.names = {"one.test", "192.0.2.7", "2001:db8::7"}, .not_before = when});
  Trust trust;
  std::string error;
  REQUIRE(load_trust(pair.certificate, trust, error));
  const auto info = certificate_info(trust.certificates[0]);
  REQUIRE(info);
  CHECK(info->subject == CertificateInfo::Name{{"commonName", "one.test"}});
  CHECK(info->issuer == info->subject);
  CHECK(info->version == 3);
  CHECK(info->serial_number.size() == 32);
  CHECK(info->not_before == "Jan  5 09:34:43 2026 GMT");
  CHECK(info->subject_alt_names == CertificateInfo::Name{{"DNS", "one.test"},
                                                         {"IP Address", "192.0.2.7"},
                                                         {"IP Address", "2001:db8::7"}});
  CHECK(!certificate_info("nonsense"));
}
