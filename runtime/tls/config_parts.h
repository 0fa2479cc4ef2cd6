// mbedTLS's side of a Config. Included by this folder's sources only.
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>

#include <vector>

#include "tls/config.h"
#include "tls/session_cache.h"
#include "tls/x509.h"

namespace tonio::tls {

// mbedTLS reads these without locks while connections run: nothing changes
// after make(). What changes has a lock of its own: the tickets' keys
// (MBEDTLS_THREADING_C) and sessions.
struct Config::Parts {
  Parts() {
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_ticket_init(&tickets);
  }
  ~Parts() {
    mbedtls_ssl_config_free(&config);
    mbedtls_ssl_ticket_free(&tickets);
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  mbedtls_ssl_config config;
  mbedtls_ssl_ticket_context tickets;  // servers
  CertificateList trust;
  RevocationLists revoked;
  std::vector<const char*> alpn;  // into the settings, ends with null
  SessionCache sessions;          // clients
};

}  // namespace tonio::tls
