#include "python_exit.h"

#include <Python.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "owned.h"
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

// SystemExit.code as CPython has made it.
PyObject* code_member = nullptr;

// How SystemExit.code is read, of subclasses as well that have none of their own. Where no Python
// code runs on the main thread any more it is CPython that reads the exit code, a moment before it
// finalises the interpreter.
PyObject* read_code(PyObject* system_exit, void*) {
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(system_exit));
  PyObject* value = Py_TYPE(code_member)->tp_descr_get(code_member, system_exit, type);
  if (value != nullptr && PyThread_get_thread_ident() == main_thread &&
      PyEval_GetFrame() == nullptr) {
    exit_code = as_exit_code(value);
  }
  return value;
}

int write_code(PyObject* system_exit, PyObject* value, void*) {
  return Py_TYPE(code_member)->tp_descr_set(code_member, system_exit, value);
}

PyGetSetDef code_definition = {"code", read_code, write_code, PyDoc_STR("exception code"), nullptr};

}  // namespace

bool watch_python_exit() {
  main_thread = PyThread_get_thread_ident();
  auto* type = reinterpret_cast<PyTypeObject*>(PyExc_SystemExit);
  Owned attributes(PyType_GetDict(type));
  Owned watched(PyDescr_NewGetSet(type, &code_definition));
  // For the life of the process.
  code_member = attributes ? Py_XNewRef(PyDict_GetItemString(attributes.get(), "code")) : nullptr;
  if (!watched || code_member == nullptr ||
      PyDict_SetItemString(attributes.get(), "code", watched.get()) != 0) {
    return false;
  }
  PyType_Modified(type);
  return true;
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
