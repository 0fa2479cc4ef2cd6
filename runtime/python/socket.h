// The native socket that tonio.net.socket builds on.
#pragma once

#include <atomic>

#include "net/socket.h"
#include "python/operation.h"
#include "python/py.h"

namespace tonio::python {

struct Socket {
  PyObject_HEAD
  net::Socket* socket;  // owned, made with the object
  int family;
  int type;
  int protocol;
  // Whether the last receive filled much of what was asked for (socket_operations.cpp).
  std::atomic<bool> fills_buffers;
  PyObject* weak_references;
};

inline Socket* as_socket(PyObject* self) { return reinterpret_cast<Socket*>(self); }

// A new object of `type` around `fd`, which is non-blocking; takes it over in any case.
PyObject* make_socket(PyTypeObject* type, int fd, int family, int socket_type, int protocol);

// The methods that suspend, for the type's method table.
PyObject* socket_recv(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_recv_into(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* keywords);
PyObject* socket_send(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_sendall(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_accept(PyObject* self, PyObject*);
PyObject* socket_connect(PyObject* self, PyObject* address);

[[nodiscard]] bool init_socket(PyObject* module);
[[nodiscard]] bool init_socket_operations();

}  // namespace tonio::python
