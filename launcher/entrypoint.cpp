#include "entrypoint.h"

#include <Python.h>

#include "owned.h"
#include "python/embed.h"
#include "python/exit_code.h"
#include "start_error.h"

namespace tonio::launcher {

namespace {

constexpr const char* kDefaultName = "main";
constexpr Py_ssize_t kMostCandidates = 8;

Owned main_namespace() {
  Owned module(PyImport_AddModuleRef("__main__"));
  return Owned(module ? Py_XNewRef(PyModule_GetDict(module.get())) : nullptr);
}

// The class functools.partial, or null.
Owned partial_type() {
  Owned name(PyUnicode_FromString("functools"));
  Owned functools(name ? PyImport_GetModule(name.get()) : nullptr);
  Owned type(functools ? PyObject_GetAttrString(functools.get(), "partial") : nullptr);
  PyErr_Clear();
  return type;
}

// A generator or async function, or one that is both, as it is, as a bound method or in a
// functools.partial.
bool is_suspendable_function(PyObject* object) {
  const Owned partial = partial_type();
  Owned function(Py_NewRef(object));
  while (function) {
    if (PyMethod_Check(function.get())) {
      function.reset(Py_NewRef(PyMethod_GET_FUNCTION(function.get())));
    } else if (partial &&
               Py_TYPE(function.get()) == reinterpret_cast<PyTypeObject*>(partial.get())) {
      function.reset(PyObject_GetAttrString(function.get(), "func"));
    } else {
      break;
    }
  }
  PyErr_Clear();
  if (!function || !PyFunction_Check(function.get())) {
    return false;
  }
  auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GetCode(function.get()));  // borrowed
  return (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
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
  Owned policy(events ? PyObject_GetAttrString(events.get(), "_event_loop_policy") : nullptr);
  PyErr_Clear();
  return policy && policy.get() != Py_None;
}

// The functions that the script itself defines, for a message.
Owned candidates(PyObject* globals) {
  Owned names(PyList_New(0));
  Owned items(PyDict_Items(globals));  // a copy: another thread may be adding
  const Py_ssize_t count = items ? PyList_GET_SIZE(items.get()) : 0;
  for (Py_ssize_t i = 0; names && i < count && PyList_GET_SIZE(names.get()) < kMostCandidates;
       ++i) {
    PyObject* name = PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 0);   // borrowed
    PyObject* value = PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 1);  // borrowed
    const bool own = PyFunction_Check(value) && PyFunction_GetGlobals(value) == globals;
    if (own && PyUnicode_Check(name) && PyUnicode_READ_CHAR(name, 0) != '_' &&
        PyList_Append(names.get(), name) < 0) {
      PyErr_Clear();
    }
  }
  Owned comma(PyUnicode_FromString(", "));
  return Owned(names && comma ? PyUnicode_Join(comma.get(), names.get()) : nullptr);
}

int refuse(PyObject* name, PyObject* globals, const char* problem) {
  Owned found(candidates(globals));
  PyErr_Clear();
  const bool some = found && PyUnicode_GET_LENGTH(found.get()) > 0;
  Owned none(PyUnicode_FromString("none"));
  PySys_FormatStderr("tonio: the entrypoint '%U' %s; functions there: %U\n", name, problem,
                     some ? found.get() : none.get());
  return kUsageError;
}

// Null with an exception set, or without one when there is no such name.
Owned look_up(PyObject* globals, PyObject* name) {
  PyObject* value = nullptr;
  PyDict_GetItemRef(globals, name, &value);
  return Owned(value);
}

// As tonio.run(). A script that never imported tonio has not brought the
// runtime's exceptions into being, so that is done here.
Owned run_on_workers(PyObject* awaitable) {
  Owned native(PyImport_ImportModule("_tonio"));
  return Owned(native ? python::run(awaitable) : nullptr);
}

// Nothing would run it.
int refuse_async_generator(PyObject* name) {
  PySys_FormatStderr(
      "tonio: the entrypoint '%U' gives an asynchronous generator: in an `async def`, write "
      "`await` for `yield`\n",
      name);
  return kUsageError;
}

std::optional<int> call_and_run(PyObject* function, PyObject* name) {
  Owned value(PyObject_CallNoArgs(function));
  if (value && PyAsyncGen_CheckExact(value.get())) {
    return refuse_async_generator(name);
  }
  if (value && is_awaitable(value.get())) {
    value = run_on_workers(value.get());
  }
  return value ? std::optional(0) : std::nullopt;
}

}  // namespace

std::optional<int> run_entrypoint(const std::string& name) {
  const bool named = !name.empty();
  Owned globals = main_namespace();
  Owned wanted(PyUnicode_DecodeFSDefault(named ? name.c_str() : kDefaultName));
  if (!globals || !wanted) {
    return std::nullopt;
  }
  Owned function(named ? nullptr : python::declared_entrypoint());
  const bool declared = function != nullptr;
  if (!declared) {
    function = look_up(globals.get(), wanted.get());
  }
  if (PyErr_Occurred()) {
    return std::nullopt;
  }
  if (named) {
    if (!function) {
      return refuse(wanted.get(), globals.get(), "is not in the script");
    }
    if (!PyCallable_Check(function.get())) {
      return refuse(wanted.get(), globals.get(), "can't be called");
    }
  } else if (!declared &&
             (!function || !is_suspendable_function(function.get()) || ran_asyncio())) {
    return 0;  // the body was the program
  }
  return call_and_run(function.get(), wanted.get());
}

}  // namespace tonio::launcher
