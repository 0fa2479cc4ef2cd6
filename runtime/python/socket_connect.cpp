// accept and connect.
#include <cerrno>

#include "base/unique_fd.h"
#include "python/arguments.h"
#include "python/errors.h"
#include "python/socket_address.h"
#include "python/socket_operation.h"

namespace tonio::python {
namespace {

using reactor::Interest;

struct Accept {
  SocketOperation base;
};

Poll accept(SocketOperation& operation, PyObject*& result) {
  Socket& socket = *operation.socket;
  sockaddr_storage peer;
  socklen_t peer_size;
  net::IoResult io;
  do {
    io = socket.socket->accept(peer, peer_size);
    // The peer went away while it waited in line: that is no error of the listener's.
  } while (io.error == ECONNABORTED);
  if (!io.ok()) return socket_failure(io);
  base::UniqueFd fd(static_cast<int>(io.value));
  Ref connection = Ref::steal(
      make_socket(Py_TYPE(&socket), fd.get(), socket.family, socket.type, socket.protocol));
  if (connection) (void)fd.release();
  if (connection &&
      !audit_new_socket(connection.get(), socket.family, socket.type, socket.protocol)) {
    close_socket(as_socket(connection.get()));
    return Poll::kError;
  }
  Ref address = Ref::steal(connection ? make_address(peer, peer_size) : nullptr);
  return ready_with(address ? PyTuple_Pack(2, connection.get(), address.get()) : nullptr, result);
}

constexpr SocketKind kAcceptKind{kSocketOperation, Interest::kRead, accept};
PyTypeObject accept_type = empty_type();

struct Connect {
  SocketOperation base;
  net::Address address;
  std::atomic<bool> begun;
};

Poll connect(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Connect&>(operation);
  net::Socket& socket = *operation.socket->socket;
  const net::IoResult io = self.begun.exchange(true, std::memory_order_relaxed)
                               ? socket.finish_connect()
                               : socket.connect(self.address.get(), self.address.size);
  if (io.ok()) return ready_none(result);
  if (io.error == EINPROGRESS) return Poll::kPending;
  // EAGAIN of a Unix socket is a full backlog, which no readiness ends: socket.py tries again.
  raise_errno(io.error);
  return Poll::kError;
}

constexpr SocketKind kConnectKind{kSocketOperation, Interest::kWrite, connect};
PyTypeObject connect_type = empty_type();

}  // namespace

PyObject* socket_accept(PyObject* self, PyObject*) {
  auto* operation = make_socket_operation<Accept>(accept_type, kAcceptKind, self);
  return operation ? track(operation) : nullptr;
}

PyObject* socket_connect(PyObject* self, PyObject* address) {
  const ParsedAddress parsed = parse_address(as_socket(self)->family, address, "connect()");
  if (parsed.needs_resolver) Py_RETURN_NONE;
  if (!parsed.address || PySys_Audit("socket.connect", "OO", self, address) < 0) return nullptr;
  auto* operation = make_socket_operation<Connect>(connect_type, kConnectKind, self);
  if (!operation) return nullptr;
  operation->address = *parsed.address;
  new (&operation->begun) std::atomic<bool>(false);
  return track(operation);
}

bool init_socket_connect() {
  return ready_socket_operation_type(accept_type, "tonio.SocketAccept", sizeof(Accept)) &&
         ready_socket_operation_type(connect_type, "tonio.SocketConnect", sizeof(Connect));
}

}  // namespace tonio::python
