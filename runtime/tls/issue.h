// Makes certificates: for development, samples and tests, where no authority is
// at hand.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tonio::tls {

struct CertificatePair {
  std::string certificate;  // PEM
  std::string key;          // PEM, not encrypted
};

struct CertificateRequest {
  // DNS names and addresses; the first is the subject's common name, too.
  std::vector<std::string> names;
  // From an hour ago, for peers whose clock is late, to a month ahead.
  std::chrono::system_clock::time_point not_before =
      std::chrono::system_clock::now() - std::chrono::hours(1);
  std::chrono::system_clock::time_point not_after =
      std::chrono::system_clock::now() + std::chrono::hours(30 * 24);
  // Else ECDSA with P-256.
  bool rsa = false;
  // Whether it may sign others' certificates.
  bool authority = false;
  // Signs itself without one.
  const CertificatePair* issuer = nullptr;
};

// None, with the reason in words, when a name can't be in a certificate.
std::optional<CertificatePair> issue_certificate(const CertificateRequest& request,
                                                 std::string& error);

}  // namespace tonio::tls
