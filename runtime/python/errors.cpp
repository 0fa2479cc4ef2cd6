#include "python/errors.h"

#include <cerrno>
#include <string_view>

namespace tonio::python {

PyObject* cancelled_error;
PyObject* timeout_error;
PyObject* would_block_error;
PyObject* resource_broken_error;
PyObject* resource_busy_error;
PyObject* already_initialized_error;
PyObject* not_initialized_error;
PyObject* deadlock_error;

namespace {

bool add(PyObject* module, PyObject*& slot, const char* name, const char* doc, PyObject* base) {
  if (!slot) slot = PyErr_NewExceptionWithDoc(name, doc, base, nullptr);
  // The name behind the last dot is what the module calls it.
  return slot && PyModule_AddObjectRef(module, std::string_view(name).substr(17).data(), slot) == 0;
}

}  // namespace

bool init_errors(PyObject* module) {
  static_assert(std::string_view("tonio.exceptions.").size() == 17);
  return add(module, cancelled_error, "tonio.exceptions.CancelledError",
             "Raised where a task is suspended when the task is cancelled.", PyExc_BaseException) &&
         add(module, timeout_error, "tonio.exceptions.TimeoutError", "A time limit has passed.",
             PyExc_TimeoutError) &&
         add(module, would_block_error, "tonio.exceptions.WouldBlock",
             "What was asked for can't be had without waiting.", PyExc_Exception) &&
         add(module, resource_broken_error, "tonio.exceptions.ResourceBroken",
             "A connection is no longer usable.", PyExc_OSError) &&
         add(module, resource_busy_error, "tonio.exceptions.ResourceBusy",
             "Another task is at it already, and only one can be.", PyExc_RuntimeError) &&
         add(module, already_initialized_error, "tonio.exceptions.RuntimeAlreadyInitializedError",
             "The runtime runs already.", PyExc_RuntimeError) &&
         add(module, not_initialized_error, "tonio.exceptions.RuntimeNotInitializedError",
             "There is no runtime to use.", PyExc_RuntimeError) &&
         add(module, deadlock_error, "tonio.exceptions.Deadlock",
             "Every task waits for another one, for ever.", PyExc_RuntimeError);
}

Ref make_group(const char* message, PyObject* exceptions) {
  // Its constructor makes an ExceptionGroup of Exceptions.
  return Ref::steal(PyObject_CallFunction(PyExc_BaseExceptionGroup, "sO", message, exceptions));
}

PyObject* raise_errno(int error) {
  errno = error;
  return PyErr_SetFromErrno(PyExc_OSError);
}

}  // namespace tonio::python
