#include "python/blocking.h"

#include <utility>

#include "python/arguments.h"
#include "python/blocking_call.h"
#include "python/entry.h"
#include "python/spawn.h"

namespace tonio::python {
namespace {

template <OnCancel on_cancel>
PyObject* spawn_blocking(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  if (nargs < 1) {
    PyErr_SetString(PyExc_TypeError, "tonio.spawn_blocking() takes a function");
    return nullptr;
  }
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  Ref values = Ref::steal(PyTuple_New(nargs - 1 + named));
  if (!values) return nullptr;
  for (Py_ssize_t i = 0; i < nargs - 1 + named; ++i) {
    PyTuple_SET_ITEM(values.get(), i, Py_NewRef(args[i + 1]));
  }
  return make_blocking_call(args[0], std::move(values), Ref::borrow(keywords), on_cancel);
}

PyObject* map_blocking(PyObject*, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs != 2) {
    PyErr_Format(PyExc_TypeError,
                 "tonio.map_blocking() takes a function and an iterable, got %zd arguments", nargs);
    return nullptr;
  }
  Ref items = Ref::steal(PySequence_Tuple(args[1]));
  Ref calls = Ref::steal(items ? PyList_New(0) : nullptr);
  for (Py_ssize_t i = 0; calls && i < PyTuple_GET_SIZE(items.get()); ++i) {
    Ref values = Ref::steal(PyTuple_Pack(1, PyTuple_GET_ITEM(items.get(), i)));
    Ref call = values ? Ref::steal(make_blocking_call(args[0], std::move(values), Ref(),
                                                      OnCancel::kInterrupt))
                      : Ref();
    if (!call || PyList_Append(calls.get(), call.get()) != 0) calls.reset();
  }
  return calls ? spawn_gathered(calls.get()) : nullptr;
}

PyMethodDef functions[] = {
    {"spawn_blocking", as_cfunction<spawn_blocking<OnCancel::kInterrupt>>(),
     METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("spawn_blocking($module, fn, /, *args, **kwargs)\n--\n\n"
               "Runs fn(*args, **kwargs) on the blocking pool; waiting for it gives its result "
               "or raises its exception.")},
    {"finish_blocking", as_cfunction<spawn_blocking<OnCancel::kFinish>>(),
     METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("finish_blocking($module, fn, /, *args, **kwargs)\n--\n\n"
               "As spawn_blocking(), but a call that has begun is not interrupted: a waiter that "
               "is cancelled gets its outcome, and CancelledError at its next suspension.")},
    {"shield_blocking", as_cfunction<spawn_blocking<OnCancel::kShield>>(),
     METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("shield_blocking($module, fn, /, *args, **kwargs)\n--\n\n"
               "As finish_blocking(), and a call that has not begun when its waiter is cancelled "
               "runs all the same.")},
    {"map_blocking", as_cfunction<map_blocking>(), METH_FASTCALL,
     PyDoc_STR("map_blocking($module, fn, xs, /)\n--\n\n"
               "Runs fn(x) for each x of the iterable on the blocking pool. Waiting for it gives "
               "the list of results in the order of xs.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_blocking(PyObject* module) {
  return init_blocking_call() && PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tonio::python
