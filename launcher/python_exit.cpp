#include "python_exit.h"

#include <Python.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "python/exit_code.h"

namespace tonio::launcher {

namespace {

unsigned long main_thread = 0;
// Of the SystemExit that ends the interpreter. Main thread only.
std::optional<int> exit_code;

// As CPython reads it; what is no number is printed by it.
int as_exit_code(PyObject* code) {
  if (!PyLong_Check(code)) {
    return code == Py_None ? 0 : 1;
  }
  const int value = static_cast<int>(PyLong_AsLong(code));
  PyErr_Clear();  // too large for a long: -1
  return value;
}

// How an attribute of a SystemExit is read. Where no Python code runs on the main thread any more
// it is CPython that reads the exit code, a moment before it finalises the interpreter.
PyObject* read_attribute(PyObject* system_exit, PyObject* name) {
  PyObject* value = PyObject_GenericGetAttr(system_exit, name);
  if (value != nullptr && PyThread_get_thread_ident() == main_thread &&
      PyEval_GetFrame() == nullptr && PyUnicode_CompareWithASCIIString(name, "code") == 0) {
    exit_code = as_exit_code(value);
  }
  return value;
}

}  // namespace

void watch_python_exit() {
  main_thread = PyThread_get_thread_ident();
  auto* type = reinterpret_cast<PyTypeObject*>(PyExc_SystemExit);
  type->tp_getattro = read_attribute;
  PyType_Modified(type);
}

PythonExit python_exit() {
  if (exit_code) {
    return {*exit_code, true};
  }
  PyObject* shown = PySys_GetObject("last_exc");  // borrowed
  if (shown == nullptr) {
    return {};
  }
  return {PyErr_GivenExceptionMatches(shown, PyExc_KeyboardInterrupt) ? python::kInterrupted : 1};
}

void end_by_interrupt() {
  std::signal(SIGINT, SIG_DFL);
  kill(getpid(), SIGINT);
}

}  // namespace tonio::launcher
