#include "python/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace tonio::python {
namespace {

// Text or bytes; false with an exception set.
bool to_text(PyObject* object, std::string& text, const char* what, const char* expected) {
  if (PyUnicode_Check(object)) {
    Py_ssize_t size = 0;
    const char* utf8 = PyUnicode_AsUTF8AndSize(object, &size);
    if (!utf8) return false;
    text.assign(utf8, static_cast<std::size_t>(size));
    return true;
  }
  if (PyBytes_Check(object)) {
    text.assign(PyBytes_AS_STRING(object), static_cast<std::size_t>(PyBytes_GET_SIZE(object)));
    return true;
  }
  PyErr_Format(PyExc_TypeError, "%s: %s, not %T", what, expected, object);
  return false;
}

ParsedAddress parse_unix(PyObject* object, const char* what) {
  // As os.fsencode() has it, so that any file name can be said.
  Ref encoded;
  if (PyUnicode_Check(object)) {
    encoded = Ref::steal(PyUnicode_EncodeFSDefault(object));
    if (!encoded) return {};
    object = encoded.get();
  }
  std::string path;
  if (!to_text(object, path, what, "the address of a Unix socket is a path")) return {};
  auto address = net::unix_path(path);
  if (!address) PyErr_Format(PyExc_OSError, "%s: AF_UNIX path too long", what);
  return {address};
}

ParsedAddress parse_internet(int family, PyObject* object, const char* what) {
  const Py_ssize_t most = family == AF_INET6 ? 4 : 2;
  if (!PyTuple_Check(object) || PyTuple_GET_SIZE(object) < 2 || PyTuple_GET_SIZE(object) > most) {
    PyErr_Format(PyExc_TypeError, "%s: the address is a tuple (host, port%s), not %R", what,
                 family == AF_INET6 ? "[, flowinfo[, scope_id]]" : "", object);
    return {};
  }
  std::string host;
  if (!to_text(PyTuple_GET_ITEM(object, 0), host, what, "the host is a str")) return {};
  unsigned long numbers[3] = {0, 0, 0};
  constexpr unsigned long kMost[3] = {0xffff, 0xfffff, 0xffffffff};
  constexpr const char* kNames[3] = {"port", "flowinfo", "scope_id"};
  for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(object); ++i) {
    PyObject* item = PyTuple_GET_ITEM(object, i);
    if (!PyLong_Check(item)) {
      PyErr_Format(PyExc_TypeError, "%s: the %s is an int, not %T", what, kNames[i - 1], item);
      return {};
    }
    int overflow = 0;
    const long value = PyLong_AsLongAndOverflow(item, &overflow);
    if (overflow != 0 || value < 0 || static_cast<unsigned long>(value) > kMost[i - 1]) {
      PyErr_Format(PyExc_OverflowError, "%s: the %s must be 0 to %lu, not %R", what, kNames[i - 1],
                   kMost[i - 1], item);
      return {};
    }
    numbers[i - 1] = static_cast<unsigned long>(value);
  }
  auto address = net::parse_numeric(family, host, static_cast<unsigned>(numbers[0]));
  if (!address) return {std::nullopt, true};
  if (family == AF_INET6 && PyTuple_GET_SIZE(object) > 2) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&address->storage);
    in6->sin6_flowinfo = htonl(static_cast<std::uint32_t>(numbers[1]));
    if (PyTuple_GET_SIZE(object) > 3) {
      in6->sin6_scope_id = static_cast<std::uint32_t>(numbers[2]);
    }
  }
  return {address};
}

}  // namespace

ParsedAddress parse_address(int family, PyObject* object, const char* what) {
  switch (family) {
    case AF_UNIX:
      return parse_unix(object, what);
    case AF_INET:
    case AF_INET6:
      return parse_internet(family, object, what);
    default:
      PyErr_Format(PyExc_OSError, "%s: address family %d is not supported", what, family);
      return {};
  }
}

PyObject* make_address(const sockaddr_storage& storage, socklen_t size) {
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  switch (size == 0 ? AF_UNSPEC : address->sa_family) {
    case AF_INET: {
      const auto* in = reinterpret_cast<const sockaddr_in*>(address);
      char host[INET_ADDRSTRLEN];
      inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
      return Py_BuildValue("si", host, ntohs(in->sin_port));
    }
    case AF_INET6: {
      const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address);
      char host[NI_MAXHOST];
      // Unlike inet_ntop() it adds the zone of a link-local address.
      if (getnameinfo(address, size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0) {
        host[0] = '\0';
      }
      return Py_BuildValue("siII", host, ntohs(in6->sin6_port), ntohl(in6->sin6_flowinfo),
                           in6->sin6_scope_id);
    }
    case AF_UNIX: {
      const auto* un = reinterpret_cast<const sockaddr_un*>(address);
      const std::size_t length = size - offsetof(sockaddr_un, sun_path);
      if (length > 0 && un->sun_path[0] == '\0') {
        return PyBytes_FromStringAndSize(un->sun_path, static_cast<Py_ssize_t>(length));
      }
      return PyUnicode_DecodeFSDefaultAndSize(
          un->sun_path, static_cast<Py_ssize_t>(strnlen(un->sun_path, length)));
    }
    default:
      Py_RETURN_NONE;
  }
}

}  // namespace tonio::python
