#include "python/async_generators.h"

#include "python/entry.h"
#include "python/host.h"
#include "python/spawn.h"

namespace tonio::python {
namespace {

// Weak references to the generators that have been begun. A set is thread-safe by itself,
// and a reference takes itself out when its generator is gone.
PyObject* begun = nullptr;
PyObject* forget = nullptr;  // its discard()
PyObject* on_begun = nullptr;
PyObject* on_dropped = nullptr;

PyObject* remember(PyObject*, PyObject* generator) {
  Ref reference = Ref::steal(PyWeakref_NewRef(generator, forget));
  if (!reference || PySet_Add(begun, reference.get()) != 0) return nullptr;
  Py_RETURN_NONE;
}

// Without a runtime it gets as far as it can without suspending.
bool close_by_hand(PyObject* closing) {
  if (Ref::steal(PyObject_CallMethod(closing, "send", "O", Py_None))) return true;
  if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return false;
  PyErr_Clear();
  return true;
}

PyObject* close(PyObject*, PyObject* generator) {
  Ref closing = Ref::steal(PyObject_CallMethod(generator, "aclose", nullptr));
  if (!closing) return nullptr;
  if (!Host::instance().check_running()) {
    PyErr_Clear();
    if (!close_by_hand(closing.get())) return nullptr;
  } else if (!spawn_closing(closing.get())) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyMethodDef remember_definition{"remember_async_generator", as_cfunction<remember>(), METH_O,
                                nullptr};
PyMethodDef close_definition{"close_async_generator", as_cfunction<close>(), METH_O, nullptr};

}  // namespace

bool init_async_generators() {
  if (on_dropped) return true;
  if (!begun) begun = PySet_New(nullptr);
  if (begun && !forget) forget = PyObject_GetAttrString(begun, "discard");
  if (forget && !on_begun) on_begun = PyCFunction_New(&remember_definition, nullptr);
  if (on_begun) on_dropped = PyCFunction_New(&close_definition, nullptr);
  return on_dropped != nullptr;
}

void watch_async_generators(PyThreadState& thread) {
  Py_XSETREF(thread.async_gen_firstiter, Py_NewRef(on_begun));
  Py_XSETREF(thread.async_gen_finalizer, Py_NewRef(on_dropped));
}

bool close_async_generators() {
  bool some = false;
  while (begun && PySet_GET_SIZE(begun) > 0) {
    Ref reference = Ref::steal(PySet_Pop(begun));
    PyObject* generator = nullptr;
    if (reference) PyWeakref_GetRef(reference.get(), &generator);
    if (!generator) {
      PyErr_Clear();  // another thread has been faster
      continue;
    }
    const Ref owned = Ref::steal(generator);
    if (Ref::steal(close(nullptr, generator))) {
      some = true;
    } else {
      PyErr_WriteUnraisable(generator);
    }
  }
  return some;
}

}  // namespace tonio::python
