#include "python/suspending_call.h"

#include <atomic>

#include "python/entry.h"
#include "python/operation.h"

namespace tonio::python {
namespace {

struct SuspendingCall {
  PyObject_HEAD PyObject* coroutine;  // owned, an exact native coroutine
};

// One wait for it: yields the call, once, and ends with what is sent in. What is thrown in
// comes out of the `await`, as there is no throw().
struct Waiting {
  PyObject_HEAD PyObject* call;  // owned; null once it was yielded
};

PyTypeObject call_type = empty_type();
PyTypeObject waiting_type = empty_type();

PyObject*& coroutine_of(PyObject* self) {
  return reinterpret_cast<SuspendingCall*>(self)->coroutine;
}

PyObject*& call_of(PyObject* self) { return reinterpret_cast<Waiting*>(self)->call; }

PyObject* suspending_call(PyObject*, PyObject* coroutine) {
  if (!PyCoro_CheckExact(coroutine)) {
    PyErr_Format(PyExc_TypeError, "suspending_call() takes a coroutine, not %T", coroutine);
    return nullptr;
  }
  SuspendingCall* self = PyObject_GC_New(SuspendingCall, &call_type);
  if (!self) return nullptr;
  self->coroutine = Py_NewRef(coroutine);
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* call_wait(PyObject* self) {
  Waiting* waiting = PyObject_GC_New(Waiting, &waiting_type);
  if (!waiting) return nullptr;
  waiting->call = Py_NewRef(self);
  PyObject_GC_Track(waiting);
  return reinterpret_cast<PyObject*>(waiting);
}

// What a coroutine has, it has as well: close(), send(), cr_frame, __name__ and so on.
PyObject* call_getattro(PyObject* self, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(self, name);
  if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  PyErr_Clear();
  return PyObject_GetAttr(coroutine_of(self), name);
}

PyObject* call_repr(PyObject* self) {
  return PyUnicode_FromFormat("<%T of %R>", self, coroutine_of(self));
}

int call_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(coroutine_of(self));
  return 0;
}

void call_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(coroutine_of(self));
  PyObject_GC_Del(self);
}

// Several threads may ask at once: one of them gets the call, and no other may look at it.
PyObject* take_call(PyObject* self) {
  return std::atomic_ref(call_of(self)).exchange(nullptr, std::memory_order_acq_rel);
}

bool was_taken(PyObject* self) {
  return std::atomic_ref(call_of(self)).load(std::memory_order_relaxed) == nullptr;
}

PyObject* waiting_next(PyObject* self) {
  if (was_taken(self) || !task_that_awaits(self)) return nullptr;
  return take_call(self);
}

PyObject* waiting_send(PyObject* self, PyObject* value) {
  if (PyObject* call = waiting_next(self)) return call;
  if (PyErr_Occurred()) return nullptr;
  PyObject* stop = PyObject_CallOneArg(PyExc_StopIteration, value);
  if (stop) PyErr_SetRaisedException(stop);
  return nullptr;
}

int waiting_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(call_of(self));
  return 0;
}

void waiting_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_XDECREF(call_of(self));
  PyObject_GC_Del(self);
}

PyAsyncMethods call_async_methods = {
    .am_await = call_wait, .am_aiter = nullptr, .am_anext = nullptr, .am_send = nullptr};

PyMethodDef waiting_methods[] = {
    {"send", as_cfunction<waiting_send>(), METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMethodDef functions[] = {
    {"suspending_call", as_cfunction<suspending_call>(), METH_O,
     PyDoc_STR("suspending_call($module, coro, /)\n--\n\n"
               "What waits for a native coroutine by `await`, `yield` or `yield from`.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool is_suspending_call(PyObject* object) { return Py_IS_TYPE(object, &call_type); }

PyObject* without_suspending_call(PyObject* object) {
  return is_suspending_call(object) ? coroutine_of(object) : object;
}

bool init_suspending_call(PyObject* module) {
  call_type.tp_name = "tonio.SuspendingCall";
  call_type.tp_basicsize = sizeof(SuspendingCall);
  call_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  call_type.tp_as_async = &call_async_methods;
  call_type.tp_iter = entry<call_wait>;
  call_type.tp_getattro = entry<call_getattro>;
  call_type.tp_repr = entry<call_repr>;
  call_type.tp_traverse = call_traverse;
  call_type.tp_dealloc = call_dealloc;

  waiting_type.tp_name = "tonio.SuspendingCallWait";
  waiting_type.tp_basicsize = sizeof(Waiting);
  waiting_type.tp_flags =
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  waiting_type.tp_iter = PyObject_SelfIter;
  waiting_type.tp_iternext = waiting_next;
  waiting_type.tp_methods = waiting_methods;
  waiting_type.tp_traverse = waiting_traverse;
  waiting_type.tp_dealloc = waiting_dealloc;
  return PyType_Ready(&call_type) == 0 && PyType_Ready(&waiting_type) == 0 &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tonio::python
