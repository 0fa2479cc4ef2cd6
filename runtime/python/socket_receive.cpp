// recv, recv_into, recvfrom, recvfrom_into, and SocketStream's receive_some.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "python/arguments.h"
#include "python/errors.h"
#include "python/socket_address.h"
#include "python/socket_exclusive.h"
#include "python/socket_operation.h"
#include "python/thread_context.h"

namespace tonio::python {
namespace {

using reactor::Interest;

// A sender's address, where the operation gives it.
struct Peer {
  sockaddr_storage storage;
  socklen_t size = 0;
};

net::IoResult receive_once(const SocketOperation& operation, void* buffer, std::size_t size,
                           int flags, Peer* peer) {
  net::Socket& socket = *operation.socket->socket;
  return peer ? socket.receive_from(buffer, size, flags, peer->storage, peer->size)
              : socket.receive(buffer, size, flags);
}

// Ready with `received` (owned, may be null after a failure), and the address if wanted.
Poll ready_received(PyObject* received, const Peer* peer, PyObject*& result) {
  if (!peer || !received) return ready_with(received, result);
  Ref first = Ref::steal(received);
  Ref address = Ref::steal(make_address(peer->storage, peer->size));
  return ready_with(address ? PyTuple_Pack(2, first.get(), address.get()) : nullptr, result);
}

// Into a new bytes object

struct Receive {
  SocketOperation base;
  Py_ssize_t size;
  int flags;
};

// Programs ask for far more than usually comes, and shrinking an object costs more than copying
// what is short. So what comes goes into a buffer of the thread's, which stays in its cache, and
// from there into an object of the right size. Where the last receive got much, the object is made
// beforehand, of that size, and the buffer takes what does not fit.
constexpr std::size_t kThreadBuffer = std::size_t{64} * 1024, kMuch = std::size_t{16} * 1024;

// Null with an exception set.
char* thread_buffer() {
  std::unique_ptr<char[]>& buffer = this_thread->receive_buffer;
  if (!buffer) buffer.reset(new (std::nothrow) char[kThreadBuffer]);
  if (!buffer) PyErr_NoMemory();
  return buffer.get();
}

// Ready with the first `got` bytes of an object that has been filled.
Poll ready_shortened(PyObject* bytes, std::size_t got, const Peer* peer, PyObject*& result) {
  if (got != static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))) {
    _PyBytes_Resize(&bytes, static_cast<Py_ssize_t>(got));
  }
  return ready_received(bytes, peer, result);
}

// Of a size that the operation may not fall short of when more has come: a datagram would lose its
// end, and flags change what a size means (recv(2)).
template <bool kAddress>
Poll receive_exactly(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Receive&>(operation);
  Peer storage;
  Peer* peer = kAddress ? &storage : nullptr;
  const auto size = static_cast<std::size_t>(self.size);
  const bool copies = size <= kThreadBuffer;
  PyObject* bytes = copies ? nullptr : PyBytes_FromStringAndSize(nullptr, self.size);
  char* target = copies ? thread_buffer() : (bytes ? PyBytes_AS_STRING(bytes) : nullptr);
  if (!target) return Poll::kError;
  const net::IoResult io = receive_once(operation, target, size, self.flags, peer);
  if (!io.ok()) {
    Py_XDECREF(bytes);
    return socket_failure(io, self.flags);
  }
  // With MSG_TRUNC it may be more than there was room for (recv(2)).
  const Py_ssize_t got = std::min<Py_ssize_t>(io.value, self.size);
  return copies ? ready_received(PyBytes_FromStringAndSize(target, got), peer, result)
                : ready_shortened(bytes, static_cast<std::size_t>(got), peer, result);
}

// Some of a stream's bytes.
Poll receive_some(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Receive&>(operation);
  if (self.flags != 0) return receive_exactly<false>(operation, result);
  char* const buffer = thread_buffer();
  if (!buffer) return Poll::kError;
  net::Socket& socket = *operation.socket->socket;
  std::atomic<std::uint32_t>& last_received = operation.socket->last_received;
  const auto size = static_cast<std::size_t>(self.size);
  const std::size_t expected =
      std::min<std::size_t>(last_received.load(std::memory_order_relaxed), size);
  if (expected < kMuch) {
    const net::IoResult io = socket.receive(buffer, std::min(size, kThreadBuffer), 0);
    if (!io.ok()) return socket_failure(io);
    last_received.store(static_cast<std::uint32_t>(io.value), std::memory_order_relaxed);
    return ready_with(PyBytes_FromStringAndSize(buffer, io.value), result);
  }
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(expected));
  if (!bytes) return Poll::kError;
  const net::IoResult io = socket.receive(PyBytes_AS_STRING(bytes), expected, buffer,
                                          std::min(size - expected, kThreadBuffer));
  if (!io.ok()) {
    Py_DECREF(bytes);
    return socket_failure(io);
  }
  const auto got = static_cast<std::size_t>(io.value);
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  last_received.store(static_cast<std::uint32_t>(std::min(got, kMost)), std::memory_order_relaxed);
  if (got > expected) {
    if (_PyBytes_Resize(&bytes, io.value) != 0) return Poll::kError;
    std::memcpy(PyBytes_AS_STRING(bytes) + expected, buffer, got - expected);
  }
  return ready_shortened(bytes, got, nullptr, result);
}

constexpr SocketKind kReceiveKind{kSocketOperation, Interest::kRead, receive_some, true};
constexpr SocketKind kReceiveFromKind{kSocketOperation, Interest::kRead, receive_exactly<true>};
// One datagram says nothing of whether there are more.
constexpr SocketKind kReceiveDatagramKind{kSocketOperation, Interest::kRead,
                                          receive_exactly<false>};

extern constexpr char kReceiving[] = "receiving";
using ExclusiveReceive = Exclusive<&Socket::stream_receives, kReceiving, start_socket_operation>;
constexpr SocketKind kStreamReceiveKind{ExclusiveReceive::kOperation, Interest::kRead, receive_some,
                                        true};

// Zero bytes are there at once; as in the standard library, recv() doesn't ask the socket.
Poll receive_nothing(SocketOperation& operation, PyObject*& result) {
  if (operation.socket->socket->fd() < 0) return socket_failure({-1, EBADF});
  return ready_with(PyBytes_FromStringAndSize(nullptr, 0), result);
}

constexpr SocketKind kReceiveNothingKind{kSocketOperation, Interest::kRead, receive_nothing};
PyTypeObject receive_type = empty_type();

// Into a buffer

struct ReceiveInto {
  SocketOperation base;
  Py_buffer buffer;
  std::size_t size;
  int flags;
};

template <bool kAddress>
Poll receive_into(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<ReceiveInto&>(operation);
  Peer storage;
  Peer* peer = kAddress ? &storage : nullptr;
  const net::IoResult io = receive_once(operation, self.buffer.buf, self.size, self.flags, peer);
  return io.ok() ? ready_received(PyLong_FromSsize_t(io.value), peer, result)
                 : socket_failure(io, self.flags);
}

constexpr SocketKind kReceiveIntoKind{kSocketOperation, Interest::kRead, receive_into<false>, true};
constexpr SocketKind kReceiveFromIntoKind{kSocketOperation, Interest::kRead, receive_into<true>};
constexpr SocketKind kReceiveDatagramIntoKind{kSocketOperation, Interest::kRead,
                                              receive_into<false>};

Poll receive_nothing_into(SocketOperation& operation, PyObject*& result) {
  if (operation.socket->socket->fd() < 0) return socket_failure({-1, EBADF});
  return ready_with(PyLong_FromLong(0), result);
}

constexpr SocketKind kReceiveNothingIntoKind{kSocketOperation, Interest::kRead,
                                             receive_nothing_into};
PyTypeObject receive_into_type = empty_type();

// MSG_WAITALL of a stream: until all has come, or the end. A non-blocking system call does
// not wait for that, so what has come is kept here; it is lost when the task is cancelled.

struct ReceiveAll {
  SocketOperation base;
  Py_buffer buffer;  // the caller's, or empty
  PyObject* bytes;   // else this, owned
  std::size_t size;
  std::size_t received;
  int flags;
  std::atomic<bool> claimed;
};

template <bool kAddress>
Poll receive_all(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<ReceiveAll&>(operation);
  char* target = self.bytes ? PyBytes_AS_STRING(self.bytes) : static_cast<char*>(self.buffer.buf);
  Peer storage;
  Peer* peer = kAddress ? &storage : nullptr;
  while (self.received < self.size) {
    const net::IoResult io = receive_once(operation, target + self.received,
                                          self.size - self.received, self.flags, peer);
    if (!io.ok()) return socket_failure(io, self.flags);
    if (io.value == 0) break;
    self.received += static_cast<std::size_t>(io.value);
  }
  const auto received = static_cast<Py_ssize_t>(self.received);
  if (!self.bytes) return ready_received(PyLong_FromSsize_t(received), peer, result);
  PyObject* bytes = std::exchange(self.bytes, nullptr);
  if (self.received != self.size) _PyBytes_Resize(&bytes, received);
  return ready_received(bytes, peer, result);
}

Poll receive_all_start(PyObject* object, CoroTask& task, PyObject*& result) {
  if (!claim_once(reinterpret_cast<ReceiveAll*>(object)->claimed, "recv() with MSG_WAITALL")) {
    return Poll::kError;
  }
  return start_socket_operation(object, task, result);
}

constexpr OperationKind kReceiveAllOperation{receive_all_start, resume_socket_operation,
                                             abandon_socket_operation};
constexpr SocketKind kReceiveAllKind{kReceiveAllOperation, Interest::kRead, receive_all<false>};
constexpr SocketKind kReceiveAllFromKind{kReceiveAllOperation, Interest::kRead, receive_all<true>};
PyTypeObject receive_all_type = empty_type();

void receive_all_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_XDECREF(reinterpret_cast<ReceiveAll*>(self)->bytes);
  buffer_dealloc<ReceiveAll>(self);
}

// Peeked data stays where it is, so there is nothing to collect.
bool waits_for_all(PyObject* socket, int flags) {
  return (flags & (MSG_WAITALL | MSG_PEEK | MSG_DONTWAIT)) == MSG_WAITALL &&
         as_socket(socket)->type == SOCK_STREAM;
}

bool waits_if_drained(PyObject* socket, int flags) {
  return as_socket(socket)->type == SOCK_STREAM && !(flags & MSG_DONTWAIT);
}

// `bytes` (taken over) or `buffer`.
PyObject* make_receive_all(PyObject* socket, Ref bytes, HeldBuffer* buffer, std::size_t size,
                           int flags, bool address) {
  auto* self = make_socket_operation<ReceiveAll>(
      receive_all_type, address ? kReceiveAllFromKind : kReceiveAllKind, socket);
  if (!self) return nullptr;
  self->buffer = buffer ? buffer->release() : Py_buffer{};
  self->bytes = bytes.release();
  self->size = size;
  self->received = 0;
  self->flags = flags;
  new (&self->claimed) std::atomic<bool>(false);
  return track(self);
}

// The methods

PyObject* make_receive(PyObject* socket, const SocketKind& kind, Py_ssize_t size, int flags) {
  auto* operation = make_socket_operation<Receive>(receive_type, kind, socket);
  if (!operation) return nullptr;
  operation->size = size;
  operation->flags = flags;
  return track(operation);
}

PyObject* receive_method(PyObject* self, PyObject* const* args, Py_ssize_t nargs, bool address,
                         const char* what) {
  Py_ssize_t size = 0;
  int flags = 0;
  if (!check_argument_count(nargs, 1, 2, what) || !parse_size(args[0], size, what) ||
      (nargs == 2 && !parse_flags(args[1], flags))) {
    return nullptr;
  }
  if (size == 0 && !address) return make_receive(self, kReceiveNothingKind, 0, flags);
  if (waits_for_all(self, flags)) {
    Ref bytes = Ref::steal(PyBytes_FromStringAndSize(nullptr, size));
    if (!bytes) return nullptr;
    return make_receive_all(self, std::move(bytes), nullptr, static_cast<std::size_t>(size), flags,
                            address);
  }
  const bool stream = waits_if_drained(self, flags);
  return make_receive(self,
                      address ? kReceiveFromKind : (stream ? kReceiveKind : kReceiveDatagramKind),
                      size, flags);
}

PyObject* receive_into_method(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                              PyObject* keywords, bool address, const char* what) {
  static const char* const names[] = {"buffer", "nbytes", "flags"};
  PyObject* values[3];
  Py_ssize_t size = 0;
  int flags = 0;
  const Py_ssize_t total = nargs + (keywords ? PyTuple_GET_SIZE(keywords) : 0);
  if (!check_argument_count(total, 1, 3, what) ||
      !merge_keywords(args, nargs, keywords, names, values, 3, what)) {
    return nullptr;
  }
  if (!values[0]) {
    PyErr_Format(PyExc_TypeError, "%s needs a buffer", what);
    return nullptr;
  }
  HeldBuffer buffer;
  if ((values[1] && !parse_size(values[1], size, what)) ||
      (values[2] && !parse_flags(values[2], flags)) || !buffer.get_writable(values[0])) {
    return nullptr;
  }
  if (size > buffer.size()) {
    PyErr_Format(PyExc_ValueError, "%s: nbytes is %zd, the buffer has %zd bytes", what, size,
                 buffer.size());
    return nullptr;
  }
  if (size == 0) size = buffer.size();
  if (size > 0 && waits_for_all(self, flags)) {
    return make_receive_all(self, Ref(), &buffer, static_cast<std::size_t>(size), flags, address);
  }
  const bool stream = waits_if_drained(self, flags);
  const SocketKind& kind = address     ? kReceiveFromIntoKind
                           : size == 0 ? kReceiveNothingIntoKind
                           : stream    ? kReceiveIntoKind
                                       : kReceiveDatagramIntoKind;
  auto* operation = make_socket_operation<ReceiveInto>(receive_into_type, kind, self);
  if (!operation) return nullptr;
  operation->buffer = buffer.release();
  operation->size = static_cast<std::size_t>(size);
  operation->flags = flags;
  return track(operation);
}

}  // namespace

PyObject* socket_recv(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return receive_method(self, args, nargs, false, "recv()");
}

PyObject* socket_recvfrom(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return receive_method(self, args, nargs, true, "recvfrom()");
}

PyObject* socket_recv_into(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* keywords) {
  return receive_into_method(self, args, nargs, keywords, false, "recv_into()");
}

PyObject* socket_recvfrom_into(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                               PyObject* keywords) {
  return receive_into_method(self, args, nargs, keywords, true, "recvfrom_into()");
}

PyObject* make_stream_receive(PyObject* socket, Py_ssize_t size) {
  return make_receive(socket, kStreamReceiveKind, size, 0);
}

bool init_socket_receive() {
  receive_into_type.tp_traverse = buffer_traverse<ReceiveInto>;
  receive_into_type.tp_dealloc = buffer_dealloc<ReceiveInto>;
  receive_all_type.tp_traverse = buffer_traverse<ReceiveAll>;
  receive_all_type.tp_dealloc = receive_all_dealloc;
  return ready_socket_operation_type(receive_type, "tonio.SocketReceive", sizeof(Receive)) &&
         ready_socket_operation_type(receive_into_type, "tonio.SocketReceiveInto",
                                     sizeof(ReceiveInto)) &&
         ready_socket_operation_type(receive_all_type, "tonio.SocketReceiveAll",
                                     sizeof(ReceiveAll));
}

}  // namespace tonio::python
