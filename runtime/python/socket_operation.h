// What the socket operations that suspend have in common: attempt a system call, wait for
// readiness, attempt again. A kind states what one attempt does.
#pragma once

#include <atomic>

#include "net/socket.h"
#include "python/operation.h"
#include "python/py.h"
#include "python/socket.h"

namespace tonio::python {

struct SocketOperation;

struct SocketKind {
  OperationKind operation;
  reactor::Interest interest;
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

inline SocketOperation* as_socket_operation(PyObject* self) {
  return reinterpret_cast<SocketOperation*>(self);
}

// OperationKind's functions for a SocketKind.
Poll start_socket_operation(PyObject* self, CoroTask& task, PyObject*& result);
Poll resume_socket_operation(PyObject* self, CoroTask& task, PyObject*& result);
void abandon_socket_operation(PyObject* self, CoroTask& task, bool woken);

constexpr OperationKind kSocketOperation{start_socket_operation, resume_socket_operation,
                                         abandon_socket_operation};

// For those that keep how far they are in themselves: `claimed` is set by the first task
// that starts one; the others get a RuntimeError that names `what`.
[[nodiscard]] bool claim_once(std::atomic<bool>& claimed, const char* what);

// What a failed system call with `flags` makes of an attempt: to wait, unless MSG_DONTWAIT
// says not to.
Poll socket_failure(const net::IoResult& io, int flags = 0);

// Ready with `made`, which is a new reference; an error when it is null.
inline Poll ready_with(PyObject* made, PyObject*& result) {
  result = made;
  return made ? Poll::kReady : Poll::kError;
}

// A new operation on `socket`; the caller fills in the rest, then calls track().
template <typename T>
T* make_socket_operation(PyTypeObject& type, const SocketKind& kind, PyObject* socket) {
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

// For the types of operations.
int socket_operation_traverse(PyObject* self, visitproc visit, void* arg);
void socket_operation_dealloc(PyObject* self);
[[nodiscard]] bool ready_socket_operation_type(PyTypeObject& type, const char* name,
                                               Py_ssize_t size);

// The slots of a T that holds a Py_buffer `buffer`.
template <typename T>
int buffer_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<T*>(self)->buffer.obj);
  return socket_operation_traverse(self, visit, arg);
}

template <typename T>
void buffer_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  PyBuffer_Release(&reinterpret_cast<T*>(self)->buffer);
  socket_operation_dealloc(self);
}

// A buffer that an operation holds, released unless it was handed on.
class HeldBuffer {
 public:
  HeldBuffer() = default;
  ~HeldBuffer() { PyBuffer_Release(&buffer_); }
  HeldBuffer(const HeldBuffer&) = delete;
  HeldBuffer& operator=(const HeldBuffer&) = delete;

  // To be sent: bytes-like, or text, which is sent as UTF-8.
  [[nodiscard]] bool get_data(PyObject* object);
  [[nodiscard]] bool get_writable(PyObject* object) {
    return PyObject_GetBuffer(object, &buffer_, PyBUF_WRITABLE) == 0;
  }

  const void* data() const { return buffer_.buf; }
  Py_ssize_t size() const { return buffer_.len; }
  Py_buffer release() { return std::exchange(buffer_, Py_buffer{}); }

 private:
  Py_buffer buffer_{};
};

// Arguments; false with an exception set that begins with `what`, such as "recv()".
bool check_argument_count(Py_ssize_t nargs, Py_ssize_t least, Py_ssize_t most, const char* what);
bool parse_flags(PyObject* object, int& flags);
bool parse_size(PyObject* object, Py_ssize_t& size, const char* what);
// Adds the keyword arguments to the positional ones: `slots` has an entry for each of the
// `count` names, null where there is no argument.
bool merge_keywords(PyObject* const* args, Py_ssize_t nargs, PyObject* keywords,
                    const char* const* names, PyObject** slots, Py_ssize_t count, const char* what);

}  // namespace tonio::python
