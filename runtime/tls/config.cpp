#include "tls/config.h"

#include <mbedtls/ssl_ciphersuites.h>

#include <string_view>
#include <utility>

#include "tls/config_parts.h"
#include "tls/library.h"

namespace tonio::tls {
namespace {

// Forward secrecy and authenticated encryption only; TLS 1.3's own first.
constexpr int kCiphers[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

constexpr std::uint16_t kGroups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519,    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

// RFC 8446, section 4.6.1 allows a week; a day keeps a stolen ticket key's
// reach short.
constexpr std::uint32_t kTicketSeconds = 24 * 60 * 60;

int to_mbedtls(Verify verify) {
  switch (verify) {
    case Verify::kNone:
      return MBEDTLS_SSL_VERIFY_NONE;
    case Verify::kOptional:
      return MBEDTLS_SSL_VERIFY_OPTIONAL;
    case Verify::kRequired:
      break;
  }
  return MBEDTLS_SSL_VERIFY_REQUIRED;
}

mbedtls_ssl_protocol_version to_mbedtls(Version version) {
  return version == Version::kTls13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
}

// Called in a server's handshake. A name that no certificate is for gets the
// default: the client checks whom it talks to.
int choose_identity(void* object, mbedtls_ssl_context* ssl, const unsigned char* name,
                    std::size_t size) {
  const auto& identities = static_cast<const Config*>(object)->settings().identities;
  const std::string_view asked(reinterpret_cast<const char*>(name), size);
  // Exact names before wildcards.
  for (const bool wildcard : {false, true}) {
    bool found = false;
    // All of them, such as RSA and ECDSA: mbedTLS chooses by what the client
    // can do.
    for (const auto& identity : identities) {
      if (!identity->is_for(asked, wildcard)) continue;
      const Identity::Parts& own = identity->parts();
      const int code = mbedtls_ssl_set_hs_own_cert(ssl, &own.chain.head, &own.key.context);
      if (code != 0) return code;
      found = true;
    }
    if (found) break;
  }
  return 0;
}

bool check(const Settings& settings, std::string& error) {
  const bool server = settings.side == Side::kServer;
  if (server && settings.identities.empty()) {
    error =
        "a TLS server needs a certificate and its private key: call "
        "load_cert_chain() first";
  } else if (settings.minimum > settings.maximum) {
    error = "minimum_version is above maximum_version";
  } else if (settings.verify != Verify::kNone && settings.trust.certificates.empty()) {
    error =
        "there are no trusted certificates to verify the peer with: call "
        "load_default_certs() or load_verify_locations() first";
  } else {
    return true;
  }
  return false;
}

}  // namespace

Config::Config(Settings settings)
    : settings_(std::move(settings)), parts_(std::make_unique<Parts>()) {}
Config::~Config() = default;

std::shared_ptr<const Config> Config::make(Settings settings, std::string& error) {
  initialise_library();
  if (!check(settings, error)) return nullptr;
  std::shared_ptr<Config> made(new Config(std::move(settings)));
  const Settings& set = made->settings_;
  Parts& parts = *made->parts_;
  mbedtls_ssl_config& config = parts.config;
  const bool server = set.side == Side::kServer;
  int code =
      mbedtls_ssl_config_defaults(&config, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                  MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  mbedtls_ssl_conf_rng(&config, fill_random, nullptr);
  mbedtls_ssl_conf_ciphersuites(&config, kCiphers);
  mbedtls_ssl_conf_groups(&config, kGroups);
  mbedtls_ssl_conf_min_tls_version(&config, to_mbedtls(set.minimum));
  mbedtls_ssl_conf_max_tls_version(&config, to_mbedtls(set.maximum));
  mbedtls_ssl_conf_renegotiation(&config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  mbedtls_ssl_conf_tls13_key_exchange_modes(&config,
                                            MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
  // A client takes "optional" as "required": a server always has a certificate.
  const bool optional = server && set.verify == Verify::kOptional;
  mbedtls_ssl_conf_authmode(&config, optional || set.verify == Verify::kNone
                                         ? to_mbedtls(set.verify)
                                         : MBEDTLS_SSL_VERIFY_REQUIRED);
  for (const std::string& der : set.trust.certificates) {
    if (code) break;
    const auto* data = reinterpret_cast<const unsigned char*>(der.data());
    code = mbedtls_x509_crt_parse_der_nocopy(&parts.trust.head, data, der.size());
  }
  for (const std::string& der : set.trust.revocation_lists) {
    if (code) break;
    const auto* data = reinterpret_cast<const unsigned char*>(der.data());
    code = mbedtls_x509_crl_parse_der(&parts.revoked.head, data, der.size());
  }
  mbedtls_ssl_conf_ca_chain(&config, &parts.trust.head,
                            set.trust.revocation_lists.empty() ? nullptr : &parts.revoked.head);
  if (!set.alpn.empty()) {
    for (const std::string& protocol : set.alpn) parts.alpn.push_back(protocol.c_str());
    parts.alpn.push_back(nullptr);
    if (!code) code = mbedtls_ssl_conf_alpn_protocols(&config, parts.alpn.data());
  }
  for (const auto& identity : set.identities) {
    const Identity::Parts& own = identity->parts();
    if (!code) code = mbedtls_ssl_conf_own_cert(&config, &own.chain.head, &own.key.context);
  }
  if (server) {
    mbedtls_ssl_conf_sni(&config, choose_identity, made.get());
    // A resumed TLS 1.3 session has no client certificate: who asks for one
    // gets it each time.
    if (set.verify == Verify::kNone) {
      if (!code) {
        code = mbedtls_ssl_ticket_setup(&parts.tickets, fill_random, nullptr,
                                        MBEDTLS_CIPHER_AES_256_GCM, kTicketSeconds);
      }
      mbedtls_ssl_conf_session_tickets_cb(&config, mbedtls_ssl_ticket_write,
                                          mbedtls_ssl_ticket_parse, &parts.tickets);
    }
  } else {
    mbedtls_ssl_conf_session_tickets(&config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
  }
  if (code == 0) return made;
  error = describe_error(code);
  return nullptr;
}

}  // namespace tonio::tls
