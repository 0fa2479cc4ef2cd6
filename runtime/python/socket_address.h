// Socket addresses as Python has them: (host, port) and its kin.
#pragma once

#include <optional>

#include "net/address.h"
#include "python/py.h"

namespace tonio::python {

// What an address given by a program came to.
struct ParsedAddress {
  std::optional<net::Address> address;
  bool needs_resolver = false;  // the host is a name
};

// `object` for a socket of `family`; `what` begins messages ("connect()"). Neither an
// address nor needs_resolver: an exception is set.
ParsedAddress parse_address(int family, PyObject* object, const char* what);

// A new reference: (host, port) for IPv4, (host, port, flowinfo, scope_id) for IPv6, the
// path for Unix sockets (bytes for abstract names), as the standard library has them.
PyObject* make_address(const sockaddr_storage& storage, socklen_t size);

}  // namespace tonio::python
