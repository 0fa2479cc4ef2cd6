// Certificates (X.509, RFC 5280) and what they are loaded from. Immutable once
// made, so any number of threads may share one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tonio::tls {

// Either encoding: DER or PEM, the latter with any number of entries.
using Encoded = std::string_view;

// What a certificate says, in the shapes that ssl.SSLSocket.getpeercert()
// gives.
struct CertificateInfo {
  using Name = std::vector<std::pair<std::string, std::string>>;  // ("commonName", "…")
  Name subject;
  Name issuer;
  int version = 0;
  std::string serial_number;  // hexadecimal, upper case
  std::string not_before;     // "Jan  5 09:34:43 2026 GMT"
  std::string not_after;
  Name subject_alt_names;  // ("DNS", "example.org"), ("IP Address", "::1")
};

// None when `der` is no certificate.
std::optional<CertificateInfo> certificate_info(std::string_view der);

// Certificates to trust, in DER, and revocation lists.
struct Trust {
  std::vector<std::string> certificates;
  std::vector<std::string> revocation_lists;
};

// Adds what `data` holds, certificates and revocation lists. False, with the
// reason in words, when there is neither, or when something in it can't be
// read.
[[nodiscard]] bool load_trust(Encoded data, Trust& trust, std::string& error);

// Where the system keeps the certificates that it trusts: $SSL_CERT_FILE,
// $SSL_CERT_DIR, else the places of the common distributions.
struct TrustStorePaths {
  std::string file;
  std::string folder;
};
TrustStorePaths system_trust_store();

// The system's trusted certificates, read once per process; entries that
// mbedTLS can't read are left out. False when there are none.
[[nodiscard]] bool load_system_trust(Trust& trust, std::string& error);

// A certificate with its private key and the intermediate certificates to send
// along.
class Identity {
 public:
  // `chain` begins with the own certificate. `password` is for an encrypted
  // key. Null, with the reason in words, when they can't be read or don't
  // belong together.
  static std::shared_ptr<const Identity> load(Encoded chain, Encoded key,
                                              const std::string& password, std::string& error);
  ~Identity();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  // Whether the certificate is for this DNS name, by itself (`wildcard` false)
  // or through a wildcard (RFC 6125, section 6.4.3).
  bool is_for(std::string_view name, bool wildcard) const;

  struct Parts;
  const Parts& parts() const { return *parts_; }

 private:
  Identity();
  std::unique_ptr<Parts> parts_;
};

}  // namespace tonio::tls
