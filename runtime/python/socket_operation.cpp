#include "python/socket_operation.h"

#include "python/coro_task.h"
#include "python/errors.h"

namespace tonio::python {
namespace {

Poll wait_ready(SocketOperation& self, CoroTask& task) {
  if (!task.state().begin_arming()) return raise_cancelled(task);
  const int error = self.socket->socket->wait(self.kind->interest, task.waiter());
  if (error == 0) return Poll::kPending;
  (void)task.state().cancel_arming();
  raise_errno(error);
  return Poll::kError;
}

}  // namespace

Poll start_socket_operation(PyObject* object, CoroTask& task, PyObject*& result) {
  SocketOperation& self = *as_socket_operation(object);
  if (!self.kind->reads_stream || !self.socket->socket->drained()) {
    const Poll poll = self.kind->attempt(self, result);
    if (poll != Poll::kPending) return poll;
  }
  return wait_ready(self, task);
}

void abandon_socket_operation(PyObject* object, CoroTask& task, bool) {
  SocketOperation& self = *as_socket_operation(object);
  self.socket->socket->cancel_wait(self.kind->interest, task.waiter());
}

Poll resume_socket_operation(PyObject* object, CoroTask& task, PyObject*& result) {
  SocketOperation& self = *as_socket_operation(object);
  if (task.state().reason() == task::WakeReason::kCancelled) {
    abandon_socket_operation(object, task, true);
    return raise_cancelled(task);
  }
  const Poll poll = self.kind->attempt(self, result);
  return poll == Poll::kPending ? wait_ready(self, task) : poll;
}

bool claim_once(std::atomic<bool>& claimed, const char* what) {
  if (!claimed.exchange(true, std::memory_order_relaxed)) return true;
  PyErr_Format(PyExc_RuntimeError, "%s has been awaited already: call it again", what);
  return false;
}

Poll socket_failure(const net::IoResult& io, int flags) {
  if (io.would_block() && !(flags & MSG_DONTWAIT)) return Poll::kPending;
  raise_errno(io.error);
  return Poll::kError;
}

int socket_operation_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_socket_operation(self)->socket);
  return 0;
}

void socket_operation_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_socket_operation(self)->socket);
  PyObject_GC_Del(self);
}

bool ready_socket_operation_type(PyTypeObject& type, const char* name, Py_ssize_t size) {
  type.tp_name = name;
  type.tp_basicsize = size;
  type.tp_flags = Py_TPFLAGS_HAVE_GC;
  if (!type.tp_traverse) type.tp_traverse = socket_operation_traverse;
  if (!type.tp_dealloc) type.tp_dealloc = socket_operation_dealloc;
  return ready_operation_type(type);
}

bool HeldBuffer::get_data(PyObject* object) {
  if (!PyUnicode_Check(object)) return PyObject_GetBuffer(object, &buffer_, PyBUF_SIMPLE) == 0;
  Py_ssize_t size = 0;
  const char* utf8 = PyUnicode_AsUTF8AndSize(object, &size);
  // The text keeps its UTF-8 form as long as it lives.
  return utf8 &&
         PyBuffer_FillInfo(&buffer_, object, const_cast<char*>(utf8), size, 1, PyBUF_SIMPLE) == 0;
}

bool check_argument_count(Py_ssize_t nargs, Py_ssize_t least, Py_ssize_t most, const char* what) {
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
  PyErr_Format(PyExc_ValueError, "%s: the size must not be negative: %zd", what, size);
  return false;
}

bool merge_keywords(PyObject* const* args, Py_ssize_t nargs, PyObject* keywords,
                    const char* const* names, PyObject** slots, Py_ssize_t count,
                    const char* what) {
  for (Py_ssize_t i = 0; i < count; ++i) slots[i] = i < nargs ? args[i] : nullptr;
  for (Py_ssize_t k = 0; keywords && k < PyTuple_GET_SIZE(keywords); ++k) {
    PyObject* name = PyTuple_GET_ITEM(keywords, k);
    Py_ssize_t i = 0;
    while (i < count && (slots[i] || !PyUnicode_EqualToUTF8(name, names[i]))) ++i;
    if (i == count) {
      PyErr_Format(PyExc_TypeError, "%s got an unexpected argument %R", what, name);
      return false;
    }
    slots[i] = args[nargs + k];
  }
  return true;
}

}  // namespace tonio::python
