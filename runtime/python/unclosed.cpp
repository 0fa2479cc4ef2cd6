#include "python/unclosed.h"

// The lock that all imports take.
#define Py_BUILD_CORE 1
extern "C" {
#include "internal/pycore_interp.h"
#include "internal/pycore_lock.h"
}
#undef Py_BUILD_CORE

#include "python/entry.h"
#include "python/thread_context.h"

namespace tonio::python {
namespace {

bool holds_import_lock() {
  return _PyRecursiveMutex_IsLockedByCurrentThread(&PyInterpreterState_Get()->imports.lock);
}

// With steps ahead: not about to end.
bool is_worker() { return this_thread && this_thread->owner_id != _Py_UNOWNED_TID; }

// A filter makes it an error, which nobody is there to get. What else fails is its text, at the
// interpreter's end, when modules are empty already.
void report_error(PyObject* object) {
  if (PyErr_ExceptionMatches(PyExc_Warning)) {
    PyErr_WriteUnraisable(object);
  } else {
    PyErr_Clear();
  }
}

// Steals the text.
void show(void* stolen) {
  Ref text = Ref::steal(static_cast<PyObject*>(stolen));
  if (PyErr_WarnFormat(PyExc_ResourceWarning, 1, "%U", text.get()) != 0) report_error(text.get());
}

void show_later(PyObject* text);

// The destructor of a capsule that a worker drops between two steps, or when it spawns: that may
// be in a finalizer, too.
void show_of_capsule(PyObject* capsule) {
  PyObject* pending = PyErr_GetRaisedException();
  auto* text = static_cast<PyObject*>(PyCapsule_GetPointer(capsule, nullptr));
  if (holds_import_lock()) {
    show_later(text);
  } else {
    show(text);
  }
  PyErr_SetRaisedException(pending);
}

// By the main thread.
int show_when_possible(void* text) {
  if (!holds_import_lock() || Py_AddPendingCall(show_when_possible, text) != 0) show(text);
  return 0;
}

// Steals the text.
void show_later(PyObject* text) {
  if (!is_worker()) {
    if (Py_AddPendingCall(show_when_possible, text) != 0) show(text);
  } else if (PyObject* capsule = PyCapsule_New(text, nullptr, show_of_capsule)) {
    if (this_thread->drops.receive({&capsule, 1})) return;
    PyCapsule_SetDestructor(capsule, nullptr);
    Py_DECREF(capsule);
    show(text);
  } else {
    PyErr_Clear();
    show(text);
  }
}

PyObject* warn_unclosed_function(PyObject*, PyObject* object) {
  // The caller is a finalizer in Python; its caller is where the object was dropped.
  warn_unclosed(object, 2);
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"warn_unclosed", as_cfunction<warn_unclosed_function>(), METH_O,
     PyDoc_STR("warn_unclosed($module, object, /)\n--\n\n"
               "By the object's __del__: gives the ResourceWarning that it was not closed. Raises "
               "nothing.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void warn_unclosed(PyObject* object, Py_ssize_t stack_level) {
  PyObject* pending = PyErr_GetRaisedException();
  if (holds_import_lock()) {
    if (PyObject* text = PyUnicode_FromFormat("unclosed %R", object)) {
      show_later(text);
    } else {
      PyErr_Clear();
    }
  } else if (PyErr_ResourceWarning(object, stack_level, "unclosed %R", object) != 0) {
    report_error(object);
  }
  PyErr_SetRaisedException(pending);
}

bool init_unclosed(PyObject* module) { return PyModule_AddFunctions(module, functions) == 0; }

}  // namespace tonio::python
