#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace tonio::net {
namespace {

// The zone of a scoped address (RFC 4007): an interface's number, or, as in getaddrinfo(3),
// its name if the address is link-local.
std::optional<std::uint32_t> parse_zone(const in6_addr& address, const std::string& zone) {
  if (IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MC_LINKLOCAL(&address)) {
    if (const unsigned index = if_nametoindex(zone.c_str())) return index;
  }
  std::uint32_t number = 0;
  const char* end = zone.data() + zone.size();
  const auto [rest, failure] = std::from_chars(zone.data(), end, number);
  if (failure != std::errc() || rest != end) return std::nullopt;
  return number;
}

}  // namespace

std::optional<Address> parse_numeric(int family, const std::string& host, unsigned port) {
  // What reads C strings would see only a part of it.
  if (host.find('\0') != std::string::npos) return std::nullopt;
  Address address;
  const auto net_port = htons(static_cast<std::uint16_t>(port));
  if (family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    in->sin_family = AF_INET;
    in->sin_port = net_port;
    if (host.empty()) {
      in->sin_addr.s_addr = htonl(INADDR_ANY);
    } else if (host == "<broadcast>") {
      in->sin_addr.s_addr = htonl(INADDR_BROADCAST);
    } else if (inet_pton(AF_INET, host.c_str(), &in->sin_addr) != 1) {
      return std::nullopt;
    }
    address.size = sizeof *in;
    return address;
  }
  if (family == AF_INET6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = net_port;
    if (host.empty()) {
      in6->sin6_addr = in6addr_any;
    } else {
      const std::size_t percent = host.find('%');
      if (inet_pton(AF_INET6, host.substr(0, percent).c_str(), &in6->sin6_addr) != 1) {
        return std::nullopt;
      }
      if (percent != std::string::npos) {
        const auto zone = parse_zone(in6->sin6_addr, host.substr(percent + 1));
        if (!zone) return std::nullopt;
        in6->sin6_scope_id = *zone;
      }
    }
    address.size = sizeof *in6;
    return address;
  }
  return std::nullopt;
}

std::optional<Address> unix_path(const std::string& path) {
  Address address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  un->sun_family = AF_UNIX;
  // The empty path asks bind() for an abstract name of the kernel's choice (unix(7)).
  const bool abstract = path.empty() || path[0] == '\0';
  // A path in the file system needs room for its final NUL.
  if (path.size() + (abstract ? 0 : 1) > sizeof un->sun_path) return std::nullopt;
  std::memcpy(un->sun_path, path.data(), path.size());
  address.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return address;
}

}  // namespace tonio::net
