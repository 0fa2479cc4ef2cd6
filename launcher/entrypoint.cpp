#include "entrypoint.h"

#include <Python.h>

#include "ending.h"
#include "owned.h"
#include "python/embed.h"
#include "start_error.h"

namespace tonio::launcher {

namespace {

constexpr const char* kDefaultName = "main";
constexpr Py_ssize_t kMostCandidates = 8;

Owned main_namespace() {
  Owned module(PyImport_AddModuleRef("__main__"));
  return Owned(module ? Py_XNewRef(PyModule_GetDict(module.get())) : nullptr);
}

bool is_suspendable_function(PyObject* object) {
  if (!PyFunction_Check(object)) {
    return false;
  }
  auto* code =
      reinterpret_cast<PyCodeObject*>(PyFunction_GetCode(object));  // borrowed
  return (code->co_flags & (CO_GENERATOR | CO_COROUTINE)) != 0;
}

bool is_awaitable(PyObject* object) {
  return PyGen_CheckExact(object) || PyCoro_CheckExact(object) ||
         (Py_TYPE(object)->tp_as_async != nullptr &&
          Py_TYPE(object)->tp_as_async->am_await != nullptr);
}

// A script that ran asyncio itself has called its main already; a second time,
// on a worker, would be no help. The policy is made when the first loop is.
bool ran_asyncio() {
  Owned name(PyUnicode_FromString("asyncio.events"));
  Owned events(name ? PyImport_GetModule(name.get()) : nullptr);
  Owned policy(events
                   ? PyObject_GetAttrString(events.get(), "_event_loop_policy")
                   : nullptr);
  PyErr_Clear();
  return policy && policy.get() != Py_None;
}

// The functions that the script itself defines, for a message.
Owned candidates(PyObject* globals) {
  Owned names(PyList_New(0));
  Owned items(PyDict_Items(globals));  // a copy: another thread may be adding
  const Py_ssize_t count = items ? PyList_GET_SIZE(items.get()) : 0;
  for (Py_ssize_t i = 0;
       names && i < count && PyList_GET_SIZE(names.get()) < kMostCandidates;
       ++i) {
    PyObject* name =
        PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 0);  // borrowed
    PyObject* value =
        PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 1);  // borrowed
    const bool own =
        PyFunction_Check(value) && PyFunction_GetGlobals(value) == globals;
    if (own && PyUnicode_Check(name) && PyUnicode_READ_CHAR(name, 0) != '_' &&
        PyList_Append(names.get(), name) < 0) {
      PyErr_Clear();
    }
  }
  Owned comma(PyUnicode_FromString(", "));
  return Owned(names && comma ? PyUnicode_Join(comma.get(), names.get())
                              : nullptr);
}

int refuse(const std::string& name, PyObject* globals, const char* problem) {
  PyErr_Clear();
  Owned found(candidates(globals));
  const char* list = found ? PyUnicode_AsUTF8(found.get()) : nullptr;
  PyErr_Clear();
  PySys_FormatStderr("tonio: the entrypoint '%s' %s; functions there: %s\n",
                     name.c_str(), problem,
                     list != nullptr && *list != '\0' ? list : "none");
  return kUsageError;
}

int call_and_run(PyObject* function) {
  Owned value(PyObject_CallNoArgs(function));
  if (value && is_awaitable(value.get())) {
    value.reset(python::run(value.get()));
  }
  return value ? 0 : report_exception();
}

}  // namespace

int run_entrypoint(const std::string& name) {
  Owned globals = main_namespace();
  if (!globals) {
    return report_exception();
  }
  if (!name.empty()) {
    PyObject* named =
        PyDict_GetItemString(globals.get(), name.c_str());  // borrowed
    Owned function(Py_XNewRef(named));
    if (!function) {
      return refuse(name, globals.get(), "is not in the script");
    }
    if (!PyCallable_Check(function.get())) {
      return refuse(name, globals.get(), "can't be called");
    }
    return call_and_run(function.get());
  }
  Owned function(python::declared_entrypoint());
  if (!function) {
    function.reset(
        Py_XNewRef(PyDict_GetItemString(globals.get(), kDefaultName)));
    if (!function || !is_suspendable_function(function.get()) ||
        ran_asyncio()) {
      return 0;
    }
  }
  return call_and_run(function.get());
}

}  // namespace tonio::launcher
