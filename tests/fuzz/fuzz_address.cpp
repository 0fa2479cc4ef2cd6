// Addresses as programs write them, and certificates as peers and files bring
// them.
#include <arpa/inet.h>

#include "base/check.h"
#include "fuzz/target.h"
#include "net/address.h"
#include "tls/certificates.h"
#include "tls/issue.h"

using namespace tonio;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const int family : {AF_INET, AF_INET6}) {
    const auto address = net::parse_numeric(family, text, 443);
    if (!address) continue;
    // What is accepted can be written, and read again as the same.
    char written[INET6_ADDRSTRLEN];
    const auto* storage = address->get();
    const void* bytes =
        family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(storage)->sin_addr)
            : &reinterpret_cast<const sockaddr_in6*>(storage)->sin6_addr;
    TONIO_CHECK(inet_ntop(family, bytes, written, sizeof written));
    TONIO_CHECK(net::parse_numeric(family, written, 443));
  }
  if (const auto path = net::unix_path(text)) TONIO_CHECK(path->size <= sizeof(sockaddr_un));
  (void)tls::certificate_info(text);
  tls::Trust trust;
  std::string error;
  TONIO_CHECK(tls::load_trust(text, trust, error) || !error.empty());
  TONIO_CHECK(tls::Identity::load(text, text, "", error) || !error.empty());
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  std::vector<std::string> seeds{"127.0.0.1",
                                 "255.255.255.255",
                                 "::1",
                                 "fe80::1%lo",
                                 "fe80::1%7",
                                 "2001:db8::192.0.2.1",
                                 "",
                                 "<broadcast>",
                                 "localhost",
                                 "/tmp/socket",
                                 std::string("\0abstract", 9),
                                 std::string(200, 'x')};
  std::string error;
  const auto pair =
      tls::issue_certificate({.names = {"fuzz.test", "192.0.2.1", "2001:db8::1"}}, error);
  TONIO_CHECK(pair);
  tls::Trust trust;
  TONIO_CHECK(tls::load_trust(pair->certificate, trust, error));
  seeds.push_back(pair->certificate + pair->key);
  seeds.push_back(trust.certificates[0]);
  return seeds;
}
