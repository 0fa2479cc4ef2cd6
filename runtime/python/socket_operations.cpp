// The socket operations that suspend. Each kind makes one attempt at its system call;
// what all have in common is here: attempt, wait for readiness, attempt again.
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/errors.h"
#include "python/socket.h"
#include "python/socket_address.h"

namespace tonio::python {
namespace {

using reactor::Interest;

struct SocketOperation;

struct SocketKind {
  OperationKind operation;
  Interest interest;
  // kReady, kError, or kPending: it would block.
  Poll (*attempt)(SocketOperation& self, PyObject*& result);
  // Skips the first attempt while the socket is known to be drained.
  bool reads_stream = false;
};

struct SocketOperation {
  Operation base;
  const SocketKind* kind;
  Socket* socket;  // owned
};

SocketOperation* as_operation(PyObject* self) { return reinterpret_cast<SocketOperation*>(self); }

Poll wait_ready(SocketOperation& self, CoroTask& task) {
  if (!task.state().begin_arming()) return raise_cancelled(task);
  int error = 0;
  if (self.socket->socket->wait(self.kind->interest, task.waiter(), error)) return Poll::kPending;
  (void)task.state().cancel_arming();
  raise_errno(error);
  return Poll::kError;
}

Poll start(PyObject* object, CoroTask& task, PyObject*& result) {
  SocketOperation& self = *as_operation(object);
  if (!self.kind->reads_stream || !self.socket->socket->drained()) {
    const Poll poll = self.kind->attempt(self, result);
    if (poll != Poll::kPending) return poll;
  }
  return wait_ready(self, task);
}

void abandon(PyObject* object, CoroTask& task, bool) {
  SocketOperation& self = *as_operation(object);
  self.socket->socket->cancel_wait(self.kind->interest, task.waiter());
}

Poll resume(PyObject* object, CoroTask& task, PyObject*& result) {
  SocketOperation& self = *as_operation(object);
  if (task.state().reason() == task::WakeReason::kCancelled) {
    abandon(object, task, true);
    return raise_cancelled(task);
  }
  const Poll poll = self.kind->attempt(self, result);
  return poll == Poll::kPending ? wait_ready(self, task) : poll;
}

Poll fail(const net::IoResult& io) {
  if (io.would_block()) return Poll::kPending;
  raise_errno(io.error);
  return Poll::kError;
}

Poll ready(PyObject* made, PyObject*& result) {
  result = made;
  return made ? Poll::kReady : Poll::kError;
}

int operation_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_operation(self)->socket);
  return 0;
}

void operation_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_operation(self)->socket);
  PyObject_GC_Del(self);
}

// A new operation on `socket`; the caller fills in the rest.
template <typename T>
T* make_operation(PyTypeObject& type, const SocketKind& kind, PyObject* socket) {
  T* self = PyObject_GC_New(T, &type);
  if (!self) return nullptr;
  self->base.base.kind = &kind.operation;
  self->base.kind = &kind;
  self->base.socket = as_socket(Py_NewRef(socket));
  return self;
}

template <typename T>
PyObject* track(T* self) {
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

// recv

struct Receive {
  SocketOperation base;
  Py_ssize_t size;
  int flags;
};

// Programs ask for far more than usually comes. Up to this size a receive goes into a
// buffer on the stack and then into a bytes object of the right size, which is cheaper
// than shrinking one; not while the socket keeps filling what it is given.
constexpr Py_ssize_t kStackBuffer = 16 * 1024;

Poll receive(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Receive&>(operation);
  Socket& socket = *operation.socket;
  const auto size = static_cast<std::size_t>(self.size);
  if (self.size <= kStackBuffer && !socket.fills_buffers.load(std::memory_order_relaxed)) {
    char buffer[kStackBuffer];
    const net::IoResult io = socket.socket->receive(buffer, size, self.flags);
    if (!io.ok()) return fail(io);
    socket.fills_buffers.store(io.value > self.size / 2, std::memory_order_relaxed);
    return ready(PyBytes_FromStringAndSize(buffer, io.value), result);
  }
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, self.size);
  if (!bytes) return Poll::kError;
  const net::IoResult io = socket.socket->receive(PyBytes_AS_STRING(bytes), size, self.flags);
  if (!io.ok()) {
    Py_DECREF(bytes);
    return fail(io);
  }
  socket.fills_buffers.store(io.value > self.size / 2, std::memory_order_relaxed);
  if (io.value != self.size) _PyBytes_Resize(&bytes, io.value);
  return ready(bytes, result);
}

constexpr SocketKind kReceiveKind{{start, resume, abandon}, Interest::kRead, receive, true};

// Zero bytes are there at once; as in the standard library, the socket isn't asked.
bool check_open(const SocketOperation& operation) {
  if (operation.socket->socket->fd() >= 0) return true;
  raise_errno(EBADF);
  return false;
}

Poll receive_nothing(SocketOperation& operation, PyObject*& result) {
  if (!check_open(operation)) return Poll::kError;
  return ready(PyBytes_FromStringAndSize(nullptr, 0), result);
}

constexpr SocketKind kReceiveNothingKind{{start, resume, abandon}, Interest::kRead,
                                         receive_nothing};
PyTypeObject receive_type = empty_type();

// recv_into

struct ReceiveInto {
  SocketOperation base;
  Py_buffer buffer;
  std::size_t size;
  int flags;
};

Poll receive_into(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<ReceiveInto&>(operation);
  const net::IoResult io =
      operation.socket->socket->receive(self.buffer.buf, self.size, self.flags);
  return io.ok() ? ready(PyLong_FromSsize_t(io.value), result) : fail(io);
}

constexpr SocketKind kReceiveIntoKind{{start, resume, abandon}, Interest::kRead, receive_into, true};

Poll receive_nothing_into(SocketOperation& operation, PyObject*& result) {
  if (!check_open(operation)) return Poll::kError;
  return ready(PyLong_FromLong(0), result);
}

constexpr SocketKind kReceiveNothingIntoKind{{start, resume, abandon}, Interest::kRead,
                                             receive_nothing_into};
PyTypeObject receive_into_type = empty_type();

template <typename T>
void buffer_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  PyBuffer_Release(&reinterpret_cast<T*>(self)->buffer);
  operation_dealloc(self);
}

template <typename T>
int buffer_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<T*>(self)->buffer.obj);
  return operation_traverse(self, visit, arg);
}

// send and sendall

struct Send {
  SocketOperation base;
  Py_buffer buffer;
  std::size_t sent;
  int flags;
  // sendall only: some task is at it, and how far it is belongs to that one.
  std::atomic<bool> claimed;
};

Poll send(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Send&>(operation);
  const net::IoResult io = operation.socket->socket->send(
      self.buffer.buf, static_cast<std::size_t>(self.buffer.len), self.flags);
  return io.ok() ? ready(PyLong_FromSsize_t(io.value), result) : fail(io);
}

Poll send_all(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Send&>(operation);
  const auto size = static_cast<std::size_t>(self.buffer.len);
  do {
    const net::IoResult io = operation.socket->socket->send(
        static_cast<const char*>(self.buffer.buf) + self.sent, size - self.sent, self.flags);
    if (!io.ok()) return fail(io);
    self.sent += static_cast<std::size_t>(io.value);
  } while (self.sent < size);
  return ready_none(result);
}

Poll send_all_start(PyObject* object, CoroTask& task, PyObject*& result) {
  auto& self = *reinterpret_cast<Send*>(object);
  if (self.claimed.exchange(true, std::memory_order_relaxed)) {
    PyErr_SetString(PyExc_RuntimeError, "sendall() has been awaited already: call it again");
    return Poll::kError;
  }
  return start(object, task, result);
}

constexpr SocketKind kSendKind{{start, resume, abandon}, Interest::kWrite, send};
constexpr SocketKind kSendAllKind{{send_all_start, resume, abandon}, Interest::kWrite, send_all};
PyTypeObject send_type = empty_type();

// accept

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
  if (!io.ok()) return fail(io);
  Ref connection = Ref::steal(make_socket(Py_TYPE(&socket), static_cast<int>(io.value),
                                          socket.family, socket.type, socket.protocol));
  Ref address = Ref::steal(connection ? make_address(peer, peer_size) : nullptr);
  return ready(address ? PyTuple_Pack(2, connection.get(), address.get()) : nullptr, result);
}

constexpr SocketKind kAcceptKind{{start, resume, abandon}, Interest::kRead, accept};
PyTypeObject accept_type = empty_type();

// connect

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
  // EAGAIN of a Unix socket is a full backlog (connect(2)), which no readiness ends.
  raise_errno(io.error);
  return Poll::kError;
}

constexpr SocketKind kConnectKind{{start, resume, abandon}, Interest::kWrite, connect};
PyTypeObject connect_type = empty_type();

// Arguments

bool check_count(Py_ssize_t nargs, Py_ssize_t least, Py_ssize_t most, const char* what) {
  if (nargs >= least && nargs <= most) return true;
  PyErr_Format(PyExc_TypeError, "%s takes %zd to %zd arguments, got %zd", what, least, most, nargs);
  return false;
}

bool parse_flags(PyObject* object, int& flags) {
  flags = PyLong_AsInt(object);
  return !(flags == -1 && PyErr_Occurred());
}

bool parse_size(PyObject* object, Py_ssize_t& size, const char* what) {
  size = PyNumber_AsSsize_t(object, PyExc_OverflowError);
  if (size == -1 && PyErr_Occurred()) return false;
  if (size >= 0) return true;
  PyErr_Format(PyExc_ValueError, "%s must not be negative: %zd", what, size);
  return false;
}

PyObject* make_send(PyObject* socket, PyObject* const* args, Py_ssize_t nargs,
                    const SocketKind& kind, const char* what) {
  int flags = 0;
  if (!check_count(nargs, 1, 2, what) || (nargs == 2 && !parse_flags(args[1], flags))) {
    return nullptr;
  }
  Py_buffer buffer;
  if (PyObject_GetBuffer(args[0], &buffer, PyBUF_SIMPLE) != 0) return nullptr;
  auto* self = make_operation<Send>(send_type, kind, socket);
  if (!self) {
    PyBuffer_Release(&buffer);
    return nullptr;
  }
  self->buffer = buffer;
  self->sent = 0;
  self->flags = flags;
  new (&self->claimed) std::atomic<bool>(false);
  return track(self);
}

void describe(PyTypeObject& type, const char* name, Py_ssize_t size) {
  type.tp_name = name;
  type.tp_basicsize = size;
  type.tp_flags = Py_TPFLAGS_HAVE_GC;
  type.tp_traverse = operation_traverse;
  type.tp_dealloc = operation_dealloc;
}

}  // namespace

PyObject* socket_recv(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  Py_ssize_t size = 0;
  int flags = 0;
  if (!check_count(nargs, 1, 2, "recv()") || !parse_size(args[0], size, "recv(): bufsize") ||
      (nargs == 2 && !parse_flags(args[1], flags))) {
    return nullptr;
  }
  auto* operation = make_operation<Receive>(
      receive_type, size == 0 ? kReceiveNothingKind : kReceiveKind, self);
  if (!operation) return nullptr;
  operation->size = size;
  operation->flags = flags;
  return track(operation);
}

PyObject* socket_recv_into(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* keywords) {
  PyObject* size_object = nargs > 1 ? args[1] : nullptr;
  PyObject* flags_object = nargs > 2 ? args[2] : nullptr;
  if (!check_count(nargs, 1, 3, "recv_into()")) return nullptr;
  for (Py_ssize_t i = 0; keywords && i < PyTuple_GET_SIZE(keywords); ++i) {
    PyObject* name = PyTuple_GET_ITEM(keywords, i);
    if (PyUnicode_EqualToUTF8(name, "nbytes") && !size_object) {
      size_object = args[nargs + i];
    } else if (PyUnicode_EqualToUTF8(name, "flags") && !flags_object) {
      flags_object = args[nargs + i];
    } else {
      PyErr_Format(PyExc_TypeError, "recv_into() got an unexpected argument %R", name);
      return nullptr;
    }
  }
  Py_ssize_t size = 0;
  int flags = 0;
  if ((size_object && !parse_size(size_object, size, "recv_into(): nbytes")) ||
      (flags_object && !parse_flags(flags_object, flags))) {
    return nullptr;
  }
  Py_buffer buffer;
  if (PyObject_GetBuffer(args[0], &buffer, PyBUF_WRITABLE) != 0) return nullptr;
  if (size > buffer.len) {
    PyErr_Format(PyExc_ValueError, "recv_into(): nbytes is %zd, the buffer has %zd bytes", size,
                 buffer.len);
    PyBuffer_Release(&buffer);
    return nullptr;
  }
  auto* operation = make_operation<ReceiveInto>(
      receive_into_type, buffer.len == 0 ? kReceiveNothingIntoKind : kReceiveIntoKind, self);
  if (!operation) {
    PyBuffer_Release(&buffer);
    return nullptr;
  }
  operation->buffer = buffer;
  operation->size = static_cast<std::size_t>(size > 0 ? size : buffer.len);
  operation->flags = flags;
  return track(operation);
}

PyObject* socket_send(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return make_send(self, args, nargs, kSendKind, "send()");
}

PyObject* socket_sendall(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return make_send(self, args, nargs, kSendAllKind, "sendall()");
}

PyObject* socket_accept(PyObject* self, PyObject*) {
  auto* operation = make_operation<Accept>(accept_type, kAcceptKind, self);
  return operation ? track(operation) : nullptr;
}

PyObject* socket_connect(PyObject* self, PyObject* address) {
  const ParsedAddress parsed = parse_address(as_socket(self)->family, address, "connect()");
  if (parsed.needs_resolver) Py_RETURN_NONE;
  if (!parsed.address) return nullptr;
  auto* operation = make_operation<Connect>(connect_type, kConnectKind, self);
  if (!operation) return nullptr;
  operation->address = *parsed.address;
  new (&operation->begun) std::atomic<bool>(false);
  return track(operation);
}

bool init_socket_operations() {
  describe(receive_type, "tonio.SocketReceive", sizeof(Receive));
  describe(receive_into_type, "tonio.SocketReceiveInto", sizeof(ReceiveInto));
  receive_into_type.tp_traverse = buffer_traverse<ReceiveInto>;
  receive_into_type.tp_dealloc = buffer_dealloc<ReceiveInto>;
  describe(send_type, "tonio.SocketSend", sizeof(Send));
  send_type.tp_traverse = buffer_traverse<Send>;
  send_type.tp_dealloc = buffer_dealloc<Send>;
  describe(accept_type, "tonio.SocketAccept", sizeof(Accept));
  describe(connect_type, "tonio.SocketConnect", sizeof(Connect));
  for (PyTypeObject* type :
       {&receive_type, &receive_into_type, &send_type, &accept_type, &connect_type}) {
    if (!ready_operation_type(*type)) return false;
  }
  return true;
}

}  // namespace tonio::python
