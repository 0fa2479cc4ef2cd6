// recvmsg, recvmsg_into and sendmsg: several buffers, and ancillary data (cmsg(3)).
#include <sys/uio.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "python/arguments.h"
#include "python/errors.h"
#include "python/socket_address.h"
#include "python/socket_operation.h"

namespace tonio::python {
namespace {

using reactor::Interest;

// Buffers that an operation holds, and the same as the system call wants them.
class Buffers {
 public:
  Buffers() = default;
  ~Buffers() {
    for (Py_buffer& buffer : buffers_) PyBuffer_Release(&buffer);
  }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  // From an iterable. False with an exception set.
  [[nodiscard]] bool get(PyObject* iterable, bool writable, const char* what) {
    Ref items = Ref::steal(PySequence_Fast(iterable, what));
    if (!items) return false;
    // A list may change while its items are asked for buffers.
    Ref fixed = Ref::steal(PySequence_Tuple(items.get()));
    if (!fixed) return false;
    const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(fixed.get()));
    buffers_.reserve(count);
    vectors_.reserve(count);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fixed.get()); ++i) {
      PyObject* item = PyTuple_GET_ITEM(fixed.get(), i);
      HeldBuffer held;
      if (!(writable ? held.get_writable(item) : held.get_data(item))) return false;
      buffers_.push_back(held.release());
      vectors_.push_back({buffers_.back().buf, static_cast<std::size_t>(buffers_.back().len)});
    }
    return true;
  }

  std::vector<iovec>& vectors() { return vectors_; }
  int traverse(visitproc visit, void* arg) {
    for (Py_buffer& buffer : buffers_) Py_VISIT(buffer.obj);
    return 0;
  }

 private:
  std::vector<Py_buffer> buffers_;
  std::vector<iovec> vectors_;
};

// As malloc() aligns it, so cmsghdr fits.
using Control = std::vector<char>;

// Receiving

struct ReceiveMessage {
  SocketOperation base;
  Py_ssize_t size;  // of the bytes object; -1: into the buffers
  Py_ssize_t control_size;
  int flags;
  Buffers buffers;
};

PyObject* ancillary(msghdr& message) {
  Ref list = Ref::steal(PyList_New(0));
  if (!list) return nullptr;
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
    const auto* data = reinterpret_cast<const char*>(CMSG_DATA(item));
    // One that was cut off may say that it is longer than what has come.
    const auto* end = static_cast<const char*>(message.msg_control) + message.msg_controllen;
    const auto header = static_cast<std::size_t>(data - reinterpret_cast<const char*>(item));
    if (item->cmsg_len < header) break;
    const auto size =
        std::min<std::size_t>(item->cmsg_len - header, static_cast<std::size_t>(end - data));
    Ref entry = Ref::steal(Py_BuildValue("iiy#", item->cmsg_level, item->cmsg_type, data,
                                         static_cast<Py_ssize_t>(size)));
    if (!entry || PyList_Append(list.get(), entry.get()) != 0) return nullptr;
  }
  return list.release();
}

Poll receive_message(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<ReceiveMessage&>(operation);
  Ref bytes;
  iovec whole{};
  sockaddr_storage peer;
  // Not a vector, which would throw: the program chooses the size.
  const std::unique_ptr<void, decltype(&std::free)> control(
      self.control_size > 0 ? std::malloc(static_cast<std::size_t>(self.control_size)) : nullptr,
      &std::free);
  if (self.control_size > 0 && !control) {
    PyErr_NoMemory();
    return Poll::kError;
  }
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = sizeof peer;
  message.msg_control = control.get();
  message.msg_controllen = static_cast<std::size_t>(self.control_size);
  if (self.size >= 0) {
    bytes = Ref::steal(PyBytes_FromStringAndSize(nullptr, self.size));
    if (!bytes) return Poll::kError;
    whole = {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(self.size)};
    message.msg_iov = &whole;
    message.msg_iovlen = 1;
  } else {
    message.msg_iov = self.buffers.vectors().data();
    message.msg_iovlen = self.buffers.vectors().size();
  }
  // Descriptors that come are not to leak into processes that another thread starts just now.
  const net::IoResult io =
      operation.socket->socket->receive_message(message, self.flags | MSG_CMSG_CLOEXEC);
  if (!io.ok()) return socket_failure(io, self.flags);
  Ref received;
  if (bytes) {
    PyObject* shrunk = bytes.release();
    if (io.value < self.size) _PyBytes_Resize(&shrunk, io.value);
    received = Ref::steal(shrunk);
  } else {
    received = Ref::steal(PyLong_FromSsize_t(io.value));
  }
  Ref items = Ref::steal(received ? ancillary(message) : nullptr);
  Ref address = Ref::steal(items ? make_address(peer, message.msg_namelen) : nullptr);
  const int flags = message.msg_flags & ~(self.flags & MSG_CMSG_CLOEXEC ? 0 : MSG_CMSG_CLOEXEC);
  return ready_with(
      address ? Py_BuildValue("OOiO", received.get(), items.get(), flags, address.get()) : nullptr,
      result);
}

constexpr SocketKind kReceiveMessageKind{kSocketOperation, Interest::kRead, receive_message};
// With MSG_ERRQUEUE, for which data is nothing to read.
constexpr SocketKind kReceiveErrorKind{kSocketOperation, Interest::kError, receive_message};
PyTypeObject receive_message_type = empty_type();

// Sending

struct SendMessage {
  SocketOperation base;
  int flags;
  Buffers buffers;
  Control control;
  net::Address address;  // of size 0: none
};

Poll send_message(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<SendMessage&>(operation);
  msghdr message{};
  if (self.address.size != 0) {
    message.msg_name = const_cast<sockaddr*>(self.address.get());
    message.msg_namelen = self.address.size;
  }
  message.msg_iov = self.buffers.vectors().data();
  message.msg_iovlen = self.buffers.vectors().size();
  if (!self.control.empty()) {
    message.msg_control = self.control.data();
    message.msg_controllen = self.control.size();
  }
  const net::IoResult io = operation.socket->socket->send_message(message, self.flags);
  return io.ok() ? ready_with(PyLong_FromSsize_t(io.value), result)
                 : socket_failure(io, self.flags);
}

constexpr SocketKind kSendMessageKind{kSocketOperation, Interest::kWrite, send_message};
PyTypeObject send_message_type = empty_type();

// Appends the (level, type, data) `item`.
bool add_ancillary(Control& control, PyObject* item) {
  int level = 0;
  int type = 0;
  HeldBuffer held;
  Ref entry = Ref::steal(PySequence_Tuple(item));
  if (!entry) return false;
  PyObject* data = nullptr;
  if (!PyArg_ParseTuple(entry.get(), "iiO:sendmsg() ancillary data item", &level, &type, &data) ||
      !held.get_data(data)) {
    return false;
  }
  const auto size = static_cast<std::size_t>(held.size());
  const std::size_t at = control.size();
  control.resize(at + CMSG_SPACE(size));
  auto* header = reinterpret_cast<cmsghdr*>(control.data() + at);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  if (size > 0) std::memcpy(CMSG_DATA(header), held.data(), size);
  return true;
}

bool add_all_ancillary(Control& control, PyObject* items) {
  Ref iterator = Ref::steal(PyObject_GetIter(items));
  if (!iterator) return false;
  while (Ref item = Ref::steal(PyIter_Next(iterator.get()))) {
    if (!add_ancillary(control, item.get())) return false;
  }
  return !PyErr_Occurred();
}

// Both structs hold C++ members behind their header.

template <typename T>
T* make_message_operation(PyTypeObject& type, const SocketKind& kind, PyObject* socket) {
  T* self = make_socket_operation<T>(type, kind, socket);
  if (self) new (&self->buffers) Buffers();
  return self;
}

template <typename T>
int message_traverse(PyObject* self, visitproc visit, void* arg) {
  const int status = reinterpret_cast<T*>(self)->buffers.traverse(visit, arg);
  return status != 0 ? status : socket_operation_traverse(self, visit, arg);
}

void receive_message_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  reinterpret_cast<ReceiveMessage*>(self)->buffers.~Buffers();
  socket_operation_dealloc(self);
}

void send_message_dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  auto* self = reinterpret_cast<SendMessage*>(object);
  self->buffers.~Buffers();
  self->control.~Control();
  socket_operation_dealloc(object);
}

PyObject* receive_message_method(PyObject* self, PyObject* const* args, Py_ssize_t nargs, bool into,
                                 const char* what) {
  Py_ssize_t size = -1;
  Py_ssize_t control_size = 0;
  int flags = 0;
  if (!check_argument_count(nargs, 1, 3, what) || (!into && !parse_size(args[0], size, what)) ||
      (nargs > 1 && !parse_size(args[1], control_size, what)) ||
      (nargs > 2 && !parse_flags(args[2], flags))) {
    return nullptr;
  }
  if (control_size > std::numeric_limits<int>::max()) {
    PyErr_Format(PyExc_ValueError, "%s: ancbufsize is too large: %zd", what, control_size);
    return nullptr;
  }
  const SocketKind& kind = flags & MSG_ERRQUEUE ? kReceiveErrorKind : kReceiveMessageKind;
  auto* operation = make_message_operation<ReceiveMessage>(receive_message_type, kind, self);
  if (!operation) return nullptr;
  Ref owned = Ref::steal(reinterpret_cast<PyObject*>(operation));
  operation->size = size;
  operation->control_size = control_size;
  operation->flags = flags;
  if (into &&
      !operation->buffers.get(args[0], true, "recvmsg_into() takes an iterable of buffers")) {
    return nullptr;
  }
  (void)owned.release();
  return track(operation);
}

}  // namespace

PyObject* socket_recvmsg(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return receive_message_method(self, args, nargs, false, "recvmsg()");
}

PyObject* socket_recvmsg_into(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return receive_message_method(self, args, nargs, true, "recvmsg_into()");
}

PyObject* socket_sendmsg(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  int flags = 0;
  if (!check_argument_count(nargs, 1, 4, "sendmsg()") ||
      (nargs > 2 && !parse_flags(args[2], flags))) {
    return nullptr;
  }
  std::optional<net::Address> address{std::in_place};
  if (nargs > 3 && args[3] != Py_None) {
    const ParsedAddress parsed = parse_address(as_socket(self)->family, args[3], "sendmsg()");
    if (parsed.needs_resolver) Py_RETURN_NONE;
    address = parsed.address;
  }
  if (!address || PySys_Audit("socket.sendmsg", "OO", self, nargs > 3 ? args[3] : Py_None) < 0) {
    return nullptr;
  }
  auto* operation = make_message_operation<SendMessage>(send_message_type, kSendMessageKind, self);
  if (!operation) return nullptr;
  new (&operation->control) Control();
  Ref owned = Ref::steal(reinterpret_cast<PyObject*>(operation));
  operation->flags = flags;
  operation->address = *address;
  if (!operation->buffers.get(args[0], false, "sendmsg() takes an iterable of buffers") ||
      (nargs > 1 && !add_all_ancillary(operation->control, args[1]))) {
    return nullptr;
  }
  (void)owned.release();
  return track(operation);
}

bool init_socket_message() {
  receive_message_type.tp_traverse = message_traverse<ReceiveMessage>;
  receive_message_type.tp_dealloc = receive_message_dealloc;
  send_message_type.tp_traverse = message_traverse<SendMessage>;
  send_message_type.tp_dealloc = send_message_dealloc;
  return ready_socket_operation_type(receive_message_type, "tonio.SocketReceiveMessage",
                                     sizeof(ReceiveMessage)) &&
         ready_socket_operation_type(send_message_type, "tonio.SocketSendMessage",
                                     sizeof(SendMessage));
}

}  // namespace tonio::python
