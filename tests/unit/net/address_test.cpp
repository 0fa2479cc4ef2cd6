#include "net/address.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstring>
#include <string>

using namespace tonio::net;

TEST_CASE("numeric IPv4 addresses") {
  const auto address = parse_numeric(AF_INET, "127.0.0.1", 8080);
  REQUIRE(address);
  const auto* in = reinterpret_cast<const sockaddr_in*>(address->get());
  CHECK(in->sin_family == AF_INET);
  CHECK(ntohs(in->sin_port) == 8080);
  CHECK(ntohl(in->sin_addr.s_addr) == INADDR_LOOPBACK);
  CHECK(address->size == sizeof(sockaddr_in));
  const auto any = parse_numeric(AF_INET, "", 0);
  REQUIRE(any);
  CHECK(reinterpret_cast<const sockaddr_in*>(any->get())->sin_addr.s_addr == INADDR_ANY);
  const auto all = parse_numeric(AF_INET, "<broadcast>", 65535);
  REQUIRE(all);
  CHECK(reinterpret_cast<const sockaddr_in*>(all->get())->sin_addr.s_addr == INADDR_BROADCAST);
  for (const char* name : {"localhost", "127.0.0.256", "::1", " 127.0.0.1", "127.0.0.1 "}) {
    CHECK(!parse_numeric(AF_INET, name, 1));
  }
  CHECK(!parse_numeric(AF_INET, std::string("127.0.0.1\0.example", 18), 1));
}

TEST_CASE("numeric IPv6 addresses, with zones") {
  const auto address = parse_numeric(AF_INET6, "::1", 443);
  REQUIRE(address);
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address->get());
  CHECK(ntohs(in6->sin6_port) == 443);
  CHECK(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
  CHECK(address->size == sizeof(sockaddr_in6));
  const auto any = parse_numeric(AF_INET6, "", 0);
  REQUIRE(any);
  CHECK(IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(any->get())->sin6_addr));
  const auto zone_of = [](const std::string& host) -> long {
    const auto parsed = parse_numeric(AF_INET6, host, 1);
    if (!parsed) return -1;
    return reinterpret_cast<const sockaddr_in6*>(parsed->get())->sin6_scope_id;
  };
  CHECK(zone_of("fe80::1") == 0);
  CHECK(zone_of("fe80::1%7") == 7);
  CHECK(zone_of("fe80::1%4294967295") == 4294967295);
  CHECK(zone_of("fe80::1%lo") == static_cast<long>(if_nametoindex("lo")));
  for (const char* bad :
       {"fe80::1%", "fe80::1%nosuchif0", "fe80::1%4294967296", "fe80::1% 7", "fe80::1%-1",
        "fe80::1%7x", "fe80::1%+7", "127.0.0.1", "[::1]", "localhost"}) {
    CAPTURE(bad);
    CHECK(zone_of(bad) == -1);
  }
  CHECK(!parse_numeric(AF_INET6, std::string("::1\0x", 5), 1));
  CHECK(!parse_numeric(AF_UNIX, "::1", 1));
}

TEST_CASE("paths of Unix sockets") {
  constexpr std::size_t kBase = offsetof(sockaddr_un, sun_path);
  const auto path = unix_path("/tmp/a");
  REQUIRE(path);
  CHECK(path->size == kBase + 7);
  CHECK(std::string(reinterpret_cast<const sockaddr_un*>(path->get())->sun_path) == "/tmp/a");
  CHECK(unix_path(std::string(107, 'a')));
  CHECK(!unix_path(std::string(108, 'a')));
  const auto abstract = unix_path(std::string("\0ab", 3));
  REQUIRE(abstract);
  CHECK(abstract->size == kBase + 3);
  CHECK(unix_path(std::string(108, '\0')));
  CHECK(!unix_path(std::string(109, '\0')));
  const auto any = unix_path("");
  REQUIRE(any);
  CHECK(any->size == kBase);
}
