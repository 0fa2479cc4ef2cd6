#include "python/permits.h"

#include <atomic>
#include <cstdint>
#include <new>

#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/operation.h"

namespace tonio::python {
namespace {

// A permit that is given back when the block that it guards is left, or, without such a
// block, when nobody refers to the guard any more.
struct Guard {
  enum Phase : std::uint8_t { kHeld, kEntered, kReleased };

  PyObject_HEAD Permits* permits;  // owned
  // Exchanged by whoever enters, leaves or frees it: each permit is released once.
  std::atomic<Phase> phase;
};

struct Acquire {
  Operation base;
  Permits* permits;  // owned
  bool guarded;      // the result is a guard; else None
};

PyTypeObject permits_type = empty_type();
PyTypeObject guard_type = empty_type();
PyTypeObject acquire_type = empty_type();
PyTypeObject released_type = empty_type();

Guard* as_guard(PyObject* self) { return reinterpret_cast<Guard*>(self); }
Acquire* as_acquire(PyObject* self) { return reinterpret_cast<Acquire*>(self); }
Permits* own(PyObject* permits) { return as_permits(Py_NewRef(permits)); }

bool release(Permits* permits) {
  if (permits->semaphore.release()) return true;
  PyErr_Format(PyExc_RuntimeError, "%T.release(): the %s is not acquired", permits, permits->noun);
  return false;
}

// Takes over the permit, which is released when this fails.
PyObject* make_guard(PyObject* permits) {
  Guard* self = PyObject_GC_New(Guard, &guard_type);
  if (!self) {
    (void)as_permits(permits)->semaphore.release();
    return nullptr;
  }
  self->permits = own(permits);
  new (&self->phase) std::atomic<Guard::Phase>(Guard::kHeld);
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* guard_enter(PyObject* self, PyObject*) {
  Guard::Phase phase = Guard::kHeld;
  if (as_guard(self)->phase.compare_exchange_strong(phase, Guard::kEntered)) {
    return Py_NewRef(self);
  }
  PyErr_Format(PyExc_RuntimeError,
               "the guard of a %s serves one with block; this one was entered before",
               as_guard(self)->permits->noun);
  return nullptr;
}

PyObject* guard_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  Guard* guard = as_guard(self);
  if (guard->phase.exchange(Guard::kReleased) != Guard::kReleased && !release(guard->permits)) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

int guard_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_guard(self)->permits);
  return 0;
}

void guard_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Guard* guard = as_guard(self);
  // Whoever has released it by hand has made the mistake, and nobody is there to be told.
  if (guard->phase.load() != Guard::kReleased) (void)guard->permits->semaphore.release();
  Py_DECREF(guard->permits);
  PyObject_GC_Del(self);
}

PyMethodDef guard_methods[] = {
    {"__enter__", as_cfunction<guard_enter>(), METH_NOARGS,
     PyDoc_STR("__enter__($self, /)\n--\n\nGives the guard. RuntimeError the second time.")},
    {"__exit__", as_cfunction<guard_exit>(), METH_FASTCALL,
     PyDoc_STR("__exit__($self, /, *exception)\n--\n\n"
               "Releases what the guard holds; nothing when it has done so.")},
    {nullptr, nullptr, 0, nullptr},
};

Poll acquired(Acquire* self, PyObject*& result) {
  if (!self->guarded) return ready_none(result);
  result = make_guard(reinterpret_cast<PyObject*>(self->permits));
  return result ? Poll::kReady : Poll::kError;
}

Poll acquire_start(PyObject* object, CoroTask& task, PyObject*& result) {
  Acquire* self = as_acquire(object);
  sync::Semaphore& semaphore = self->permits->semaphore;
  if (semaphore.try_acquire()) return acquired(self, result);
  if (!task.state().begin_arming()) return raise_cancelled(task);
  if (semaphore.wait(task.waiter())) return Poll::kPending;
  // A cancel request that has come since is delivered at the next checkpoint.
  (void)task.state().cancel_arming();
  return acquired(self, result);
}

void acquire_abandon(PyObject* object, CoroTask& task, bool woken) {
  sync::Semaphore& semaphore = as_acquire(object)->permits->semaphore;
  if (woken && task.state().reason() == task::WakeReason::kCompleted) {
    (void)semaphore.release();
  } else {
    semaphore.cancel_wait(task.waiter());
  }
}

Poll acquire_resume(PyObject* object, CoroTask& task, PyObject*& result) {
  Acquire* self = as_acquire(object);
  if (task.state().reason() == task::WakeReason::kCompleted) return acquired(self, result);
  self->permits->semaphore.cancel_wait(task.waiter());
  return raise_cancelled(task);
}

constexpr OperationKind kAcquireKind{acquire_start, acquire_resume, acquire_abandon, false, true};

int acquire_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_acquire(self)->permits);
  return 0;
}

void acquire_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_acquire(self)->permits);
  PyObject_GC_Del(self);
}

PyObject* make_acquire(PyObject* permits, bool guarded) {
  Acquire* self = PyObject_GC_New(Acquire, &acquire_type);
  if (!self) return nullptr;
  self->base.kind = &kAcquireKind;
  self->permits = own(permits);
  self->guarded = guarded;
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

// What __aexit__ gives: the release has been made, and the operation only is a checkpoint.
Poll released_start(PyObject*, CoroTask&, PyObject*& result) { return ready_none(result); }
void released_abandon(PyObject*, CoroTask&, bool) {}
constexpr OperationKind kReleasedKind{released_start, released_start, released_abandon};

// It holds nothing, so one is enough for all.
Operation released{PyObject_HEAD_INIT(&released_type) & kReleasedKind};

PyObject* permits_call(PyObject* self, PyObject* args, PyObject* keywords) {
  if (PyTuple_GET_SIZE(args) > 0 || (keywords && PyDict_GET_SIZE(keywords) > 0)) {
    PyErr_Format(PyExc_TypeError, "calling a %T, which acquires it, takes no arguments", self);
    return nullptr;
  }
  return make_acquire(self, true);
}

PyObject* permits_or_raise(PyObject* self, PyObject*) {
  if (as_permits(self)->semaphore.try_acquire()) return make_guard(self);
  PyErr_Format(would_block_error, "the %s can't be acquired without waiting",
               as_permits(self)->noun);
  return nullptr;
}

PyObject* permits_acquire(PyObject* self, PyObject*) { return make_acquire(self, false); }

PyObject* permits_try_acquire(PyObject* self, PyObject*) {
  return PyBool_FromLong(as_permits(self)->semaphore.try_acquire());
}

PyObject* permits_release(PyObject* self, PyObject*) {
  if (!release(as_permits(self))) return nullptr;
  Py_RETURN_NONE;
}

PyObject* permits_aexit(PyObject* self, PyObject* const*, Py_ssize_t) {
  if (!release(as_permits(self))) return nullptr;
  return Py_NewRef(reinterpret_cast<PyObject*>(&released));
}

// `with lock:` can't wait; without these methods the error would not say what can.
PyObject* permits_enter(PyObject* self, PyObject*) {
  const char* noun = as_permits(self)->noun;
  PyErr_Format(PyExc_TypeError,
               "a %s can't be entered with `with %s:`; write `with (yield %s()):`, "
               "`async with %s:` or `with %s.or_raise():`",
               noun, noun, noun, noun, noun);
  return nullptr;
}

PyObject* permits_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  return permits_enter(self, nullptr);
}

void permits_dealloc(PyObject* self) {
  if (as_permits(self)->weak_references) PyObject_ClearWeakRefs(self);
  // Nobody waits: a waiting task holds its operation, and that this object.
  as_permits(self)->semaphore.~Semaphore();
  Py_TYPE(self)->tp_free(self);
}

PyMethodDef permits_methods[] = {
    {"or_raise", as_cfunction<permits_or_raise>(), METH_NOARGS,
     PyDoc_STR("or_raise($self, /)\n--\n\n"
               "Acquires without waiting and gives a context manager that releases. WouldBlock "
               "when that can't be.")},
    {"acquire", as_cfunction<permits_acquire>(), METH_NOARGS,
     PyDoc_STR("acquire($self, /)\n--\n\n"
               "Suspends until it is acquired, first come first served. Gives None; release() "
               "gives it back.")},
    {"try_acquire", as_cfunction<permits_try_acquire>(), METH_NOARGS,
     PyDoc_STR("try_acquire($self, /)\n--\n\n"
               "Acquires without waiting. Whether that could be; release() gives it back.")},
    {"release", as_cfunction<permits_release>(), METH_NOARGS,
     PyDoc_STR("release($self, /)\n--\n\n"
               "Gives back what was acquired, to the task that has waited longest if there is "
               "one. From any task or thread. RuntimeError when nothing is acquired.")},
    {"__aenter__", as_cfunction<permits_acquire>(), METH_NOARGS,
     PyDoc_STR("__aenter__($self, /)\n--\n\nAs acquire().")},
    {"__aexit__", as_cfunction<permits_aexit>(), METH_FASTCALL,
     PyDoc_STR("__aexit__($self, /, *exception)\n--\n\n"
               "Releases at once; what it gives is a checkpoint to await.")},
    {"__enter__", as_cfunction<permits_enter>(), METH_NOARGS,
     PyDoc_STR("__enter__($self, /)\n--\n\nRaises TypeError that says what to write instead.")},
    {"__exit__", as_cfunction<permits_exit>(), METH_FASTCALL,
     PyDoc_STR("__exit__($self, /, *exception)\n--\n\nAs __enter__().")},
    {nullptr, nullptr, 0, nullptr},
};

bool ready_types() {
  permits_type.tp_name = "tonio.sync.Permits";
  permits_type.tp_basicsize = sizeof(Permits);
  permits_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  permits_type.tp_dealloc = permits_dealloc;
  permits_type.tp_call = entry<permits_call>;
  permits_type.tp_methods = permits_methods;
  permits_type.tp_weaklistoffset = offsetof(Permits, weak_references);

  guard_type.tp_name = "tonio.sync.Guard";
  guard_type.tp_doc = PyDoc_STR("Holds an acquired lock or semaphore for one with block.");
  guard_type.tp_basicsize = sizeof(Guard);
  guard_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  guard_type.tp_traverse = guard_traverse;
  guard_type.tp_dealloc = guard_dealloc;
  guard_type.tp_methods = guard_methods;

  acquire_type.tp_name = "tonio.sync.Acquire";
  acquire_type.tp_basicsize = sizeof(Acquire);
  acquire_type.tp_flags = Py_TPFLAGS_HAVE_GC;
  acquire_type.tp_traverse = acquire_traverse;
  acquire_type.tp_dealloc = acquire_dealloc;

  released_type.tp_name = "tonio.sync.Released";
  released_type.tp_basicsize = sizeof(Operation);

  return PyType_Ready(&permits_type) == 0 && PyType_Ready(&guard_type) == 0 &&
         ready_operation_type(acquire_type) && ready_operation_type(released_type);
}

}  // namespace

PyObject* new_permits(PyTypeObject* type, std::size_t permits, const char* noun) {
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  as_permits(self)->noun = noun;
  new (&as_permits(self)->semaphore) sync::Semaphore(permits);
  return self;
}

bool add_permits_type(PyObject* module, PyTypeObject& type) {
  if (!(permits_type.tp_flags & Py_TPFLAGS_READY) && !ready_types()) return false;
  type.tp_base = &permits_type;
  type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
  return PyModule_AddType(module, &type) == 0;
}

}  // namespace tonio::python
