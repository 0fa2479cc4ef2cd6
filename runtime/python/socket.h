// The native socket that tonio.net.socket builds on.
#pragma once

#include <atomic>
#include <cstdint>

#include "net/socket.h"
#include "python/operation.h"
#include "python/py.h"

namespace tonio::python {

struct Socket {
  PyObject_HEAD net::Socket* socket;  // owned, made with the object
  int family;
  int type;
  int protocol;
  // How many bytes the last receive got, as far as it matters (socket_receive.cpp).
  std::atomic<std::uint32_t> last_received;
  // Whether some task receives, or sends, by way of a SocketStream.
  std::atomic<bool> stream_receives;
  std::atomic<bool> stream_sends;
  PyObject* weak_references;
};

inline Socket* as_socket(PyObject* self) { return reinterpret_cast<Socket*>(self); }

bool is_socket(PyObject* object);

// A new object of `type` around `fd`, which is non-blocking; takes it over in any case.
PyObject* make_socket(PyTypeObject* type, int fd, int family, int socket_type, int protocol);

void close_socket(Socket* self);

// Tells the audit hooks of a new socket, as socket.socket() does. False with an exception set:
// one of them refuses it.
[[nodiscard]] bool audit_new_socket(PyObject* socket, int family, int type, int protocol);

// The methods that suspend, for the type's method table; each has a file of its own family.
// socket_receive.cpp
PyObject* socket_recv(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_recv_into(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* keywords);
PyObject* socket_recvfrom(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_recvfrom_into(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                               PyObject* keywords);
// socket_send.cpp
PyObject* socket_send(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_sendall(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_send_now(PyObject* self, PyObject* data);
PyObject* socket_sendto(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_sendfile(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
// socket_message.cpp
PyObject* socket_recvmsg(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_recvmsg_into(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* socket_sendmsg(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
// socket_connect.cpp
PyObject* socket_accept(PyObject* self, PyObject*);
PyObject* socket_connect(PyObject* self, PyObject* address);

// For SocketStream: as recv() and sendall(), but the second task that receives, or sends,
// while another waits to, gets tonio.exceptions.ResourceBusy.
PyObject* make_stream_receive(PyObject* socket, Py_ssize_t size);
PyObject* make_stream_send_all(PyObject* socket, PyObject* data);

[[nodiscard]] bool init_socket(PyObject* module);
[[nodiscard]] bool init_socket_receive();
[[nodiscard]] bool init_socket_send();
[[nodiscard]] bool init_socket_message();
[[nodiscard]] bool init_socket_connect();

}  // namespace tonio::python
