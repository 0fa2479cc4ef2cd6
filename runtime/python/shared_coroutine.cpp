// The outcome belongs to the coroutine: it takes the place of its __name__, as a str that
// reads the same. Nothing else that the collector finds through a coroutine which has
// ended (gen_traverse, CPython's Objects/genobject.c) can be put there, and found it must
// be: an outcome often refers to its coroutine, if only through an exception's traceback
// and the frames that wait for it.
//
// A program that sets __name__ while other tasks wait parts the coroutine from them.
#include "python/shared_coroutine.h"

#include <atomic>
#include <cstdint>
#include <new>

#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/coroutine_claim.h"
#include "python/exception_copy.h"
#include "python/operation.h"
#include "sync/event.h"

namespace tonio::python {
namespace {

struct Outcome {
  PyUnicodeObject name;
  // Owned; a reader of __name__ may be about to take a reference to it.
  PyObject* replaced;
  // Owned; one of the two is written before `done` is set.
  PyObject* result;
  PyObject* error;
  bool ended_with_run;  // the task that ran it was cancelled for that; written before, too
  sync::Event done;
};

struct SharedWait {
  Operation base;
  PyObject* coroutine;  // owned
  PyObject* outcome;    // owned; null: it had ended, and its outcome was not kept
  bool runs_it;         // nobody else did: it has yielded the coroutine to its own task
};

PyTypeObject outcome_type = empty_type();
PyTypeObject shared_wait_type = empty_type();

Outcome* as_outcome(PyObject* self) { return reinterpret_cast<Outcome*>(self); }
SharedWait* as_wait(PyObject* self) { return reinterpret_cast<SharedWait*>(self); }

int outcome_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_outcome(self)->replaced);
  Py_VISIT(as_outcome(self)->result);
  Py_VISIT(as_outcome(self)->error);
  return 0;
}

int outcome_clear(PyObject* self) {
  Py_CLEAR(as_outcome(self)->result);
  Py_CLEAR(as_outcome(self)->error);
  return 0;
}

void outcome_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  outcome_clear(self);
  Py_CLEAR(as_outcome(self)->replaced);
  as_outcome(self)->done.~Event();
  PyUnicode_Type.tp_dealloc(self);
}

// Nothing with an exception set.
Ref make_outcome(PyObject* name) {
  const Ref arguments = Ref::steal(PyTuple_Pack(1, name));
  if (!arguments) return Ref();
  Ref self = Ref::steal(PyUnicode_Type.tp_new(&outcome_type, arguments.get(), nullptr));
  if (!self) return Ref();
  new (&as_outcome(self.get())->done) sync::Event();
  as_outcome(self.get())->replaced = Py_NewRef(name);
  return self;
}

std::atomic_ref<PyObject*> name_of(PyObject* coroutine) {
  return std::atomic_ref<PyObject*>(reinterpret_cast<PyGenObject*>(coroutine)->gi_name);
}

// That of `coroutine`, made by who needs it first. Nothing with an exception set.
Ref outcome_of(PyObject* coroutine) {
  const auto name = name_of(coroutine);
  PyObject* seen = name.load();
  while (!Py_IS_TYPE(seen, &outcome_type)) {
    Ref made = make_outcome(seen);
    if (!made) return made;
    if (name.compare_exchange_strong(seen, made.get())) {
      Py_DECREF(seen);
      return Ref::borrow(made.release());
    }
  }
  return Ref::borrow(seen);
}

// False when the coroutine has ended and its outcome was not kept. Both bits: there is
// an outcome, or there will be.
bool ask_for_outcome(PyObject* coroutine) {
  using namespace internal;
  const auto word = claim_word(coroutine);
  std::uint16_t seen = word.load();
  do {
    if ((seen & (kShared | kEnded)) == kEnded) return false;
  } while (!word.compare_exchange_weak(seen, seen | kShared));
  return true;
}

Poll give(const Outcome& outcome, CoroTask& task, PyObject*& result) {
  if (outcome.error) {
    PyErr_SetRaisedException(copy_exception(outcome.error).release());
    return raise_outcome(task, outcome.ended_with_run);
  }
  result = Py_NewRef(outcome.result);
  return Poll::kReady;
}

Poll wait_start(PyObject* self, CoroTask& task, PyObject*& result) {
  PyObject* coroutine = as_wait(self)->coroutine;
  if (task.is_running(coroutine)) {
    PyErr_Format(PyExc_RuntimeError, "%R waits for itself", coroutine);
    return Poll::kError;
  }
  if (!as_wait(self)->outcome) {
    PyErr_Format(PyExc_RuntimeError, "%R has been run already", coroutine);
    return Poll::kError;
  }
  Outcome& outcome = *as_outcome(as_wait(self)->outcome);
  while (!outcome.done.is_set()) {
    if (!is_claimed(coroutine)) {
      as_wait(self)->runs_it = true;
      result = Py_NewRef(coroutine);
      return Poll::kReady;
    }
    if (!task.state().begin_arming()) return raise_cancelled(task);
    if (outcome.done.wait(task.waiter())) {
      // Who releases it looks for waiters afterwards.
      if (is_claimed(coroutine)) return Poll::kPending;
      outcome.done.cancel_wait(task.waiter());
    }
    (void)task.state().cancel_arming();
  }
  return give(outcome, task, result);
}

void wait_abandon(PyObject* self, CoroTask& task, bool) {
  as_outcome(as_wait(self)->outcome)->done.cancel_wait(task.waiter());
}

Poll wait_resume(PyObject* self, CoroTask& task, PyObject*& result) {
  if (task.state().reason() == task::WakeReason::kCompleted) return wait_start(self, task, result);
  wait_abandon(self, task, true);
  return raise_cancelled(task);
}

constexpr OperationKind kWaitKind{wait_start, wait_resume, wait_abandon, false, true};

// It stands in for a coroutine of its task, which so runs what it yields.
PySendResult wait_send(PyObject* self, PyObject* value, PyObject** out) {
  if (as_wait(self)->runs_it) {
    *out = Py_NewRef(value);
    return PYGEN_RETURN;
  }
  switch (this_thread->current->drive_awaited(self, *out)) {
    case Poll::kReady:
      return as_wait(self)->runs_it ? PYGEN_NEXT : PYGEN_RETURN;
    case Poll::kError:
      return PYGEN_ERROR;
    default:
      this_thread->awaiting = self;
      *out = Py_NewRef(self);
      return PYGEN_NEXT;
  }
}

PyAsyncMethods wait_async_methods = {
    .am_await = nullptr, .am_aiter = nullptr, .am_anext = nullptr, .am_send = wait_send};

int wait_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_wait(self)->coroutine);
  Py_VISIT(as_wait(self)->outcome);
  return 0;
}

void wait_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_wait(self)->coroutine);
  Py_XDECREF(as_wait(self)->outcome);
  PyObject_GC_Del(self);
}

}  // namespace

PyObject* await_shared(PyObject* coroutine) {
  Ref outcome;
  // From here on it is kept, even if the coroutine ends before anybody waits.
  if (ask_for_outcome(coroutine)) {
    outcome = outcome_of(coroutine);
    if (!outcome) return nullptr;
  }
  SharedWait* self = PyObject_GC_New(SharedWait, &shared_wait_type);
  if (!self) return nullptr;
  self->base.kind = &kWaitKind;
  self->coroutine = Py_NewRef(coroutine);
  self->outcome = outcome.release();
  self->runs_it = false;
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

void keep_outcome(PyObject* coroutine, PyObject* result, bool yielded) {
  using namespace internal;
  if (!is_coroutine(coroutine)) return;
  const std::uint16_t ended = yielded ? kEnded | kShared : kEnded;
  if (!(claim_word(coroutine).fetch_or(ended) & kShared) && !yielded) return;
  PyObject* error = result ? nullptr : PyErr_GetRaisedException();
  if (const Ref kept = outcome_of(coroutine)) {
    Outcome& outcome = *as_outcome(kept.get());
    outcome.result = Py_XNewRef(result);
    // A copy that nobody raises: the caller raises `error`.
    if (error) outcome.error = copy_exception(error).release();
    const CoroTask* task = this_thread ? this_thread->current : nullptr;
    outcome.ended_with_run = task && task->ends_with_run();
    outcome.done.set();
  } else {
    PyErr_WriteUnraisable(coroutine);
  }
  if (error) PyErr_SetRaisedException(error);
}

void release_coroutine(PyObject* object) {
  using namespace internal;
  if (!is_coroutine(object)) return;
  claim_word(object).fetch_and(static_cast<std::uint16_t>(~kClaimed));
  PyObject* name = name_of(object).load();
  if (Py_IS_TYPE(name, &outcome_type)) as_outcome(name)->done.wake();
}

bool init_shared_coroutine() {
  outcome_type.tp_name = "tonio.NameWithOutcome";
  outcome_type.tp_base = &PyUnicode_Type;
  outcome_type.tp_basicsize = sizeof(Outcome);
  outcome_type.tp_flags =
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  outcome_type.tp_traverse = outcome_traverse;
  outcome_type.tp_clear = outcome_clear;
  outcome_type.tp_dealloc = outcome_dealloc;
  outcome_type.tp_free = PyObject_GC_Del;

  shared_wait_type.tp_name = "tonio.SharedWait";
  shared_wait_type.tp_basicsize = sizeof(SharedWait);
  shared_wait_type.tp_flags =
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  shared_wait_type.tp_as_async = &wait_async_methods;
  shared_wait_type.tp_traverse = wait_traverse;
  shared_wait_type.tp_dealloc = wait_dealloc;
  return PyType_Ready(&outcome_type) == 0 && PyType_Ready(&shared_wait_type) == 0;
}

}  // namespace tonio::python
