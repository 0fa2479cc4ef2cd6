#include "python/unclosed.h"

#include "python/arguments.h"
#include "python/thread_context.h"

namespace tonio::python {
namespace {

PyObject* lock_held = nullptr;  // _imp.lock_held; owned

// Whether anybody holds the lock: nothing tells who.
bool imports_are_locked() {
  Ref held = Ref::steal(PyObject_CallNoArgs(lock_held));
  if (!held) PyErr_Clear();
  return held && held.get() == Py_True;
}

// Whether it is a worker, and not about to end.
bool has_steps_ahead() { return this_thread && this_thread->owner_id != _Py_UNOWNED_TID; }

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
void show_later(PyObject* text);

// The destructor of a capsule that stands for a warning which was put off.
void show(PyObject* capsule) {
  PyObject* pending = PyErr_GetRaisedException();
  auto* text = static_cast<PyObject*>(PyCapsule_GetPointer(capsule, nullptr));
  if (has_steps_ahead() && imports_are_locked()) {
    show_later(text);
  } else {
    if (PyErr_WarnFormat(PyExc_ResourceWarning, 1, "%U", text) != 0) report_error(text);
    Py_DECREF(text);
  }
  PyErr_SetRaisedException(pending);
}

void show_later(PyObject* text) {
  PyObject* capsule = PyCapsule_New(text, nullptr, show);
  if (!capsule) {
    Py_DECREF(text);
    return PyErr_Clear();
  }
  this_thread->drops.receive({&capsule, 1});
}

PyObject* warn_unclosed_function(PyObject*, PyObject* object) {
  // The caller is a finalizer in Python; its caller is where the object was dropped.
  warn_unclosed(object, 2);
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"warn_unclosed", warn_unclosed_function, METH_O,
     PyDoc_STR("warn_unclosed($module, object, /)\n--\n\n"
               "By the object's __del__: gives the ResourceWarning that it was not closed. Raises "
               "nothing.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void warn_unclosed(PyObject* object, Py_ssize_t stack_level) {
  PyObject* pending = PyErr_GetRaisedException();
  if (has_steps_ahead() && imports_are_locked()) {
    PyObject* text = PyUnicode_FromFormat("unclosed %R", object);
    text ? show_later(text) : PyErr_Clear();
  } else if (PyErr_ResourceWarning(object, stack_level, "unclosed %R", object) != 0) {
    report_error(object);
  }
  PyErr_SetRaisedException(pending);
}

bool init_unclosed(PyObject* module) {
  Ref imp = Ref::steal(PyImport_ImportModule("_imp"));
  lock_held = imp ? PyObject_GetAttrString(imp.get(), "lock_held") : nullptr;
  return lock_held && PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tonio::python
