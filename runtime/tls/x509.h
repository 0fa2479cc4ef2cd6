// Owners of mbedTLS's certificate structures. Included by this folder's sources
// only.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include <string>
#include <string_view>

#include "tls/certificates.h"

namespace tonio::tls {

struct CertificateList {
  CertificateList() { mbedtls_x509_crt_init(&head); }
  ~CertificateList() { mbedtls_x509_crt_free(&head); }
  CertificateList(const CertificateList&) = delete;
  CertificateList& operator=(const CertificateList&) = delete;

  mbedtls_x509_crt head;
};

struct RevocationLists {
  RevocationLists() { mbedtls_x509_crl_init(&head); }
  ~RevocationLists() { mbedtls_x509_crl_free(&head); }
  RevocationLists(const RevocationLists&) = delete;
  RevocationLists& operator=(const RevocationLists&) = delete;

  mbedtls_x509_crl head;
};

// A private key.
struct Key {
  Key() { mbedtls_pk_init(&context); }
  ~Key() { mbedtls_pk_free(&context); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  mbedtls_pk_context context;
};

// mbedTLS's configuration takes these as not const; it does not change them.
struct Identity::Parts {
  mutable CertificateList chain;
  mutable Key key;
};

// "CN=example.org, O=Example"
std::string subject_of(const mbedtls_x509_crt& certificate);

inline std::string_view view(const mbedtls_asn1_buf& bytes) {
  return {reinterpret_cast<const char*>(bytes.p), bytes.len};
}

// mbedTLS wants PEM to end with a NUL byte that its size counts, and DER not
// to.
inline bool is_pem(std::string_view data) {
  return data.find("-----BEGIN ") != std::string_view::npos;
}

}  // namespace tonio::tls
