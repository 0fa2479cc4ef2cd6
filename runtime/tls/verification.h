// What was wrong with a peer's certificates. Included by this folder's sources
// only.
#pragma once

#include <mbedtls/x509_crt.h>

#include <cstdint>
#include <string>

namespace tonio::tls {

// Follows the verification of one connection and collects reasons in words.
// mbedTLS does the chain, the times, the usage and DNS names; this adds
// addresses (IP SANs) and leaves out the subject's common name, as RFC 9525
// wants it.
class Verification {
 public:
  // `name` is a DNS name or an address; empty when names aren't checked.
  explicit Verification(std::string name) : name_(std::move(name)) {}

  // For mbedtls_ssl_set_verify(), with the Verification as the object.
  static int check(void* object, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);

  // What is wrong, after verification has ended with `flags`.
  std::string reasons(std::uint32_t flags);

 private:
  void add(std::uint32_t flags, const std::string& subject);

  const std::string name_;
  std::string peer_ = "no subject";
  std::string reasons_;
  std::uint32_t told_ = 0;
};

// Whether it is a numeric IPv4 or IPv6 address.
bool is_address(const std::string& name);

}  // namespace tonio::tls
