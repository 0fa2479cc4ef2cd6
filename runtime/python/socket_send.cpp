// send, sendall, sendto, one step of sendfile, and SocketStream's send_all.
#include "python/arguments.h"
#include "python/errors.h"
#include "python/socket_address.h"
#include "python/socket_exclusive.h"
#include "python/socket_operation.h"

namespace tonio::python {
namespace {

using reactor::Interest;

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
  return io.ok() ? ready_with(PyLong_FromSsize_t(io.value), result)
                 : socket_failure(io, self.flags);
}

Poll send_all(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Send&>(operation);
  const auto size = static_cast<std::size_t>(self.buffer.len);
  do {
    const net::IoResult io = operation.socket->socket->send(
        static_cast<const char*>(self.buffer.buf) + self.sent, size - self.sent, self.flags);
    if (!io.ok()) return socket_failure(io, self.flags);
    self.sent += static_cast<std::size_t>(io.value);
  } while (self.sent < size);
  return ready_none(result);
}

template <const char* name>
Poll send_all_start(PyObject* object, CoroTask& task, PyObject*& result) {
  if (!claim_once(reinterpret_cast<Send*>(object)->claimed, name)) return Poll::kError;
  return start_socket_operation(object, task, result);
}

extern constexpr char kSendAll[] = "sendall()";
extern constexpr char kStreamSendAll[] = "send_all()";
extern constexpr char kSending[] = "sending";
using ExclusiveSend = Exclusive<&Socket::stream_sends, kSending, send_all_start<kStreamSendAll>>;

constexpr SocketKind kSendKind{kSocketOperation, Interest::kWrite, send};
constexpr SocketKind kSendAllKind{
    {send_all_start<kSendAll>, resume_socket_operation, abandon_socket_operation},
    Interest::kWrite,
    send_all};
constexpr SocketKind kStreamSendAllKind{ExclusiveSend::kOperation, Interest::kWrite, send_all};
PyTypeObject send_type = empty_type();

PyObject* make_send(PyObject* socket, const SocketKind& kind, PyObject* data, int flags) {
  HeldBuffer buffer;
  if (!buffer.get_data(data)) return nullptr;
  auto* self = make_socket_operation<Send>(send_type, kind, socket);
  if (!self) return nullptr;
  self->buffer = buffer.release();
  self->sent = 0;
  self->flags = flags;
  new (&self->claimed) std::atomic<bool>(false);
  return track(self);
}

PyObject* send_method(PyObject* socket, PyObject* const* args, Py_ssize_t nargs,
                      const SocketKind& kind, const char* what) {
  int flags = 0;
  if (!check_argument_count(nargs, 1, 2, what) || (nargs == 2 && !parse_flags(args[1], flags))) {
    return nullptr;
  }
  return make_send(socket, kind, args[0], flags);
}

// sendto

struct SendTo {
  SocketOperation base;
  Py_buffer buffer;
  int flags;
  net::Address address;
};

Poll send_to(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<SendTo&>(operation);
  const net::IoResult io =
      operation.socket->socket->send_to(self.buffer.buf, static_cast<std::size_t>(self.buffer.len),
                                        self.flags, self.address.get(), self.address.size);
  return io.ok() ? ready_with(PyLong_FromSsize_t(io.value), result)
                 : socket_failure(io, self.flags);
}

constexpr SocketKind kSendToKind{kSocketOperation, Interest::kWrite, send_to};
PyTypeObject send_to_type = empty_type();

// sendfile

struct SendFile {
  SocketOperation base;
  int file;
  off_t offset;
  std::size_t size;
};

Poll send_file(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<SendFile&>(operation);
  off_t offset = self.offset;
  const net::IoResult io = operation.socket->socket->send_file(self.file, offset, self.size);
  return io.ok() ? ready_with(PyLong_FromSsize_t(io.value), result) : socket_failure(io);
}

constexpr SocketKind kSendFileKind{kSocketOperation, Interest::kWrite, send_file};
PyTypeObject send_file_type = empty_type();

}  // namespace

PyObject* socket_send(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return send_method(self, args, nargs, kSendKind, "send()");
}

PyObject* socket_sendall(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return send_method(self, args, nargs, kSendAllKind, "sendall()");
}

PyObject* socket_send_now(PyObject* self, PyObject* data) {
  HeldBuffer buffer;
  if (!buffer.get_data(data)) return nullptr;
  const auto size = static_cast<std::size_t>(buffer.size());
  const net::IoResult io = as_socket(self)->socket->send(buffer.data(), size, 0);
  return io.ok() ? PyLong_FromSsize_t(io.value) : raise_errno(io.error);
}

PyObject* make_stream_send_all(PyObject* socket, PyObject* data) {
  return make_send(socket, kStreamSendAllKind, data, 0);
}

PyObject* socket_sendto(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  int flags = 0;
  if (!check_argument_count(nargs, 2, 3, "sendto()") ||
      (nargs == 3 && !parse_flags(args[1], flags))) {
    return nullptr;
  }
  HeldBuffer buffer;
  if (!buffer.get_data(args[0])) return nullptr;
  const ParsedAddress parsed = parse_address(as_socket(self)->family, args[nargs - 1], "sendto()");
  if (parsed.needs_resolver) Py_RETURN_NONE;
  if (!parsed.address || PySys_Audit("socket.sendto", "OO", self, args[nargs - 1]) < 0) {
    return nullptr;
  }
  auto* operation = make_socket_operation<SendTo>(send_to_type, kSendToKind, self);
  if (!operation) return nullptr;
  operation->buffer = buffer.release();
  operation->flags = flags;
  operation->address = *parsed.address;
  return track(operation);
}

PyObject* socket_sendfile(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (!check_argument_count(nargs, 3, 3, "_sendfile()")) return nullptr;
  const int file = PyLong_AsInt(args[0]);
  if (file == -1 && PyErr_Occurred()) return nullptr;
  Py_ssize_t offset = 0;
  Py_ssize_t size = 0;
  if (!parse_size(args[1], offset, "_sendfile()") || !parse_size(args[2], size, "_sendfile()")) {
    return nullptr;
  }
  auto* operation = make_socket_operation<SendFile>(send_file_type, kSendFileKind, self);
  if (!operation) return nullptr;
  operation->file = file;
  operation->offset = offset;
  operation->size = static_cast<std::size_t>(size);
  return track(operation);
}

bool init_socket_send() {
  send_type.tp_traverse = buffer_traverse<Send>;
  send_type.tp_dealloc = buffer_dealloc<Send>;
  send_to_type.tp_traverse = buffer_traverse<SendTo>;
  send_to_type.tp_dealloc = buffer_dealloc<SendTo>;
  return ready_socket_operation_type(send_type, "tonio.SocketSend", sizeof(Send)) &&
         ready_socket_operation_type(send_to_type, "tonio.SocketSendTo", sizeof(SendTo)) &&
         ready_socket_operation_type(send_file_type, "tonio.SocketSendFile", sizeof(SendFile));
}

}  // namespace tonio::python
