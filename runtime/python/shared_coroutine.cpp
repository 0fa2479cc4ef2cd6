// Outcomes are kept in one table, by the address of the coroutine, until the coroutine
// dies: a weak reference's callback takes them out before the address is used again.
// Only coroutines that somebody else holds a reference to when they end get there.
#include "python/shared_coroutine.h"

#include <memory>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"
#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/coroutine_claim.h"
#include "python/operation.h"
#include "sync/event.h"

namespace tonio::python {
namespace {

struct Outcome {
  Ref weak_reference;
  // Written before `done` is set.
  Ref result;
  Ref error;
  sync::Event done;
};

using Table = std::unordered_map<PyObject*, std::unique_ptr<Outcome>>;

base::Guarded<Table>& outcomes() {
  static auto* table = new base::Guarded<Table>();
  return *table;
}

// The callback: `self` is the coroutine's address.
PyObject* forget(PyObject* self, PyObject*) {
  std::unique_ptr<Outcome> outcome;
  {
    auto table = outcomes().lock();
    const auto found = table->find(static_cast<PyObject*>(PyLong_AsVoidPtr(self)));
    if (found != table->end()) {
      outcome = std::move(found->second);
      table->erase(found);
    }
  }
  Py_RETURN_NONE;
}

PyMethodDef forget_method{"forget", forget, METH_O, nullptr};

// Made without the table's lock: it makes Python objects.
std::unique_ptr<Outcome> make_outcome(PyObject* coroutine) {
  Ref address = Ref::steal(PyLong_FromVoidPtr(coroutine));
  Ref callback = Ref::steal(address ? PyCFunction_New(&forget_method, address.get()) : nullptr);
  auto outcome = std::make_unique<Outcome>();
  if (callback) outcome->weak_reference = Ref::steal(PyWeakref_NewRef(coroutine, callback.get()));
  return outcome->weak_reference ? std::move(outcome) : nullptr;
}

struct SharedWait {
  Operation base;
  PyObject* coroutine;  // owned, which keeps its outcome in the table
};

PyTypeObject shared_wait_type = empty_type();

PyObject* coroutine_of(PyObject* self) { return reinterpret_cast<SharedWait*>(self)->coroutine; }

// Null without an exception: it has ended, and its outcome was not kept.
Outcome* find_outcome(PyObject* coroutine) {
  std::unique_ptr<Outcome> made = make_outcome(coroutine);
  if (!made) return nullptr;
  auto table = outcomes().lock();
  const auto found = table->find(coroutine);
  if (found != table->end()) return found->second.get();
  // Who ends it looks for this bit after it has set its own.
  if (internal::claim_word(coroutine).fetch_or(internal::kShared) & internal::kEnded) {
    return nullptr;
  }
  return table->emplace(coroutine, std::move(made)).first->second.get();
}

Poll give(const Outcome& outcome, PyObject*& result) {
  if (!outcome.error) {
    result = Py_NewRef(outcome.result.get());
    return Poll::kReady;
  }
  PyErr_SetRaisedException(Py_NewRef(outcome.error.get()));
  return Poll::kError;
}

Poll wait_start(PyObject* self, CoroTask& task, PyObject*& result) {
  PyObject* coroutine = coroutine_of(self);
  if (task.is_running(coroutine)) {
    PyErr_Format(PyExc_RuntimeError, "%R waits for itself", coroutine);
    return Poll::kError;
  }
  Outcome* outcome = find_outcome(coroutine);
  if (!outcome) {
    if (!PyErr_Occurred()) {
      PyErr_Format(PyExc_RuntimeError, "%R has been run already", coroutine);
    }
    return Poll::kError;
  }
  if (outcome->done.is_set()) return give(*outcome, result);
  if (!task.state().begin_arming()) return raise_cancelled(task);
  if (outcome->done.wait(task.waiter())) return Poll::kPending;
  (void)task.state().cancel_arming();
  return give(*outcome, result);
}

void wait_abandon(PyObject* self, CoroTask& task, bool) {
  if (Outcome* outcome = find_outcome(coroutine_of(self))) outcome->done.cancel_wait(task.waiter());
}

Poll wait_resume(PyObject* self, CoroTask& task, PyObject*& result) {
  if (task.state().reason() == task::WakeReason::kCompleted) return wait_start(self, task, result);
  wait_abandon(self, task, true);
  return raise_cancelled(task);
}

constexpr OperationKind kWaitKind{wait_start, wait_resume, wait_abandon};

int wait_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(coroutine_of(self));
  return 0;
}

void wait_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(coroutine_of(self));
  PyObject_GC_Del(self);
}

}  // namespace

PyObject* await_shared(PyObject* coroutine) {
  // From here on its outcome is kept, even if it ends before anybody waits.
  if (!find_outcome(coroutine) && PyErr_Occurred()) return nullptr;
  SharedWait* self = PyObject_GC_New(SharedWait, &shared_wait_type);
  if (!self) return nullptr;
  self->base.kind = &kWaitKind;
  self->coroutine = Py_NewRef(coroutine);
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

void keep_outcome(PyObject* coroutine, PyObject* result, bool yielded) {
  using namespace internal;
  if (!is_coroutine(coroutine)) return;
  if (!yielded && !(claim_word(coroutine).fetch_or(kEnded) & kShared)) return;
  PyObject* error = result ? nullptr : PyErr_GetRaisedException();
  std::unique_ptr<Outcome> made = make_outcome(coroutine);
  if (!made) PyErr_WriteUnraisable(coroutine);
  sync::Event* done = nullptr;
  {
    auto table = outcomes().lock();
    claim_word(coroutine).fetch_or(kEnded);
    auto found = table->find(coroutine);
    if (found == table->end() && made) found = table->emplace(coroutine, std::move(made)).first;
    if (found != table->end()) {
      if (result) found->second->result = Ref::borrow(result);
      if (error) found->second->error = Ref::borrow(error);
      done = &found->second->done;
    }
  }
  // The caller's reference to the coroutine keeps it in the table.
  if (done) done->set();
  if (error) PyErr_SetRaisedException(error);
}

bool init_shared_coroutine() {
  shared_wait_type.tp_name = "tonio.SharedWait";
  shared_wait_type.tp_basicsize = sizeof(SharedWait);
  shared_wait_type.tp_flags = Py_TPFLAGS_HAVE_GC;
  shared_wait_type.tp_traverse = wait_traverse;
  shared_wait_type.tp_dealloc = wait_dealloc;
  return ready_operation_type(shared_wait_type);
}

}  // namespace tonio::python
