#include "python/exit_code.h"

#include <cstdio>

#include "python/py.h"
#include "python/traceback.h"

namespace tonio::python {
namespace {

// As python prints the argument of a SystemExit that is no number.
void print_exit_message(PyObject* message) {
  PyObject* sys_stderr = PySys_GetObject("stderr");  // borrowed
  if (sys_stderr != nullptr && sys_stderr != Py_None) {
    if (PyFile_WriteObject(message, sys_stderr, Py_PRINT_RAW) < 0) {
      PyErr_Clear();
    }
  } else {
    if (PyObject_Print(message, stderr, Py_PRINT_RAW) < 0) {
      PyErr_Clear();
    }
    std::fflush(stderr);
  }
  PySys_WriteStderr("\n");
}

int exit_code_of(PyObject* system_exit) {
  end_was_asked_for = true;
  std::fflush(stdout);
  Ref code = Ref::steal(PyObject_GetAttrString(system_exit, "code"));
  if (!code) {
    PyErr_Clear();
    code = Ref::borrow(system_exit);
  }
  if (code.get() == Py_None) {
    return 0;
  }
  if (PyLong_Check(code.get())) {
    int value = static_cast<int>(PyLong_AsLong(code.get()));
    PyErr_Clear();  // too large for a long: -1, as python has it
    return value;
  }
  print_exit_message(code.get());
  return 1;
}

void set_last_exception(PyObject* exception, PyObject* traceback) {
  // Objects without which the display still works: their failure is no second
  // error.
  if (PySys_SetObject("last_exc", exception) < 0 || PySys_SetObject("last_value", exception) < 0 ||
      PySys_SetObject("last_type", reinterpret_cast<PyObject*>(Py_TYPE(exception))) < 0 ||
      PySys_SetObject("last_traceback", traceback) < 0) {
    PyErr_Clear();
  }
}

// What PyErr_Print does, except that a SystemExit out of sys.excepthook gives
// the exit code instead of ending the process past its caller.
int display(PyObject* exception, int exit_code) {
  hide_package_frames(exception);
  Ref traceback = Ref::steal(PyException_GetTraceback(exception));
  if (!traceback) {
    traceback = Ref::borrow(Py_None);
  }
  set_last_exception(exception, traceback.get());
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(exception));
  Ref hook = Ref::borrow(PySys_GetObject("excepthook"));
  if (PySys_Audit("sys.excepthook", "OOOO", hook ? hook.get() : Py_None, type, exception,
                  traceback.get()) < 0) {
    const bool silenced = PyErr_ExceptionMatches(PyExc_RuntimeError);
    PyErr_WriteUnraisable(nullptr);
    if (silenced) {
      return exit_code;
    }
  }
  if (!hook) {
    PySys_WriteStderr("sys.excepthook is missing\n");
    PyErr_DisplayException(exception);
    return exit_code;
  }
  Ref result = Ref::steal(
      PyObject_CallFunctionObjArgs(hook.get(), type, exception, traceback.get(), nullptr));
  if (result) {
    return exit_code;
  }
  Ref second = Ref::steal(PyErr_GetRaisedException());
  if (PyErr_GivenExceptionMatches(second.get(), PyExc_SystemExit)) {
    return exit_code_of(second.get());
  }
  std::fflush(stdout);
  PySys_WriteStderr("Error in sys.excepthook:\n");
  PyErr_DisplayException(second.get());
  PySys_WriteStderr("\nOriginal exception was:\n");
  PyErr_DisplayException(exception);
  return exit_code;
}

}  // namespace

int report_exception() {
  Ref exception = Ref::steal(PyErr_GetRaisedException());
  if (PyErr_GivenExceptionMatches(exception.get(), PyExc_SystemExit)) {
    return exit_code_of(exception.get());
  }
  const bool by_interrupt =
      PyErr_GivenExceptionMatches(exception.get(), PyExc_KeyboardInterrupt) != 0;
  end_was_asked_for |= by_interrupt;
  return display(exception.get(), by_interrupt ? kInterrupted : 1);
}

bool flush_standard_streams() {
  bool flushed = true;
  for (const char* name : {"stdout", "stderr"}) {
    PyObject* stream = PySys_GetObject(name);  // borrowed
    if (stream == nullptr || stream == Py_None) {
      continue;
    }
    Ref done = Ref::steal(PyObject_CallMethod(stream, "flush", nullptr));
    if (!done) {
      flushed = false;
      PyErr_Clear();
    }
  }
  return std::fflush(nullptr) == 0 && flushed;
}

}  // namespace tonio::python
