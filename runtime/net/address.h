// Numeric addresses, without name resolution.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <string>

namespace tonio::net {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// `host` as a numeric address of `family` (AF_INET or AF_INET6) with `port` in host
// byte order; the empty string is the wildcard address and "<broadcast>" that of IPv4,
// as in the standard library's socket module. None when it is a name that needs a
// resolver.
std::optional<Address> parse_numeric(int family, const std::string& host, unsigned port);

// The path of a Unix socket; a leading NUL byte makes it an abstract name, and
// the empty string asks for any free one (unix(7)).
// None when it is too long.
std::optional<Address> unix_path(const std::string& path);

}  // namespace tonio::net
