#include "python/scope_wait.h"

#include <cstddef>

#include "python/coro_task.h"
#include "python/errors.h"
#include "python/operation.h"
#include "python/scope_object.h"

namespace tonio::python {
namespace {

struct ScopeWait {
  Operation base;
  Scope* scope;    // owned
  PyObject* body;  // owned, or null
  bool swallow;
  bool exits;
};

struct ScopeEntered {
  Operation base;
  PyObject* scope;  // owned
};

PyTypeObject scope_wait_type = empty_type();
PyTypeObject scope_entered_type = empty_type();

ScopeWait* as_wait(PyObject* self) { return reinterpret_cast<ScopeWait*>(self); }

// All failures, that of the body first, as one exception.
Poll raise_failures(PyObject* body, Failures& failures) {
  Ref errors = Ref::steal(PyList_New(0));
  if (!errors || (body && PyList_Append(errors.get(), body) != 0)) return Poll::kError;
  for (std::size_t i = 0; const Ref failure = failures.at(i); ++i) {
    if (PyList_Append(errors.get(), failure.get()) != 0) return Poll::kError;
  }
  Ref group = make_group("tasks of a scope failed", errors.get());
  if (group) PyErr_SetRaisedException(group.release());
  return Poll::kError;
}

// The scope is over.
Poll outcome(ScopeWait* self, CoroTask& task, PyObject*& result) {
  Scope* scope = self->scope;
  scope->observed.store(true, std::memory_order_relaxed);
  disarm(scope);
  task.has_waited(as_object(scope));
  // A run that ends asks one task after the other: children may have ended before their scope's
  // task is asked, which is not to go on as if they had done their work.
  const bool ends = scope->child_ended_with_run.load() && task.end_with_run();
  const bool cancelled = task.ending_cancelled() || ends;
  task.forget_noted_cancel();
  const bool body_failed = self->body && !PyErr_GivenExceptionMatches(self->body, cancelled_error);
  Failures& failures = scope->failures;
  if (!failures.empty() || body_failed) {
    // An error replaces a cancellation, as one in a finally block does; the request that
    // came while the children ended is raised at the next suspension.
    if (cancelled) task.renew_cancel();
    if (!failures.empty()) return raise_failures(body_failed ? self->body : nullptr, failures);
  } else if (cancelled) {
    return raise_cancelled(task);
  } else if ((self->swallow || !self->body) && scope->raise_timeout && scope->timed_out.load()) {
    PyErr_SetString(timeout_error, "the time limit of a scope has passed");
    return Poll::kError;
  }
  result = self->exits ? PyBool_FromLong(self->swallow) : Py_NewRef(Py_None);
  return Poll::kReady;
}

// Nothing of the scope runs on behind the back of the task that has entered it, so a
// cancellation of that task goes to the children, and is raised when they have ended. Any
// other task that waits is a spectator and leaves at once: it may itself be what such a
// cancellation waits for.
Poll wait_start(PyObject* object, CoroTask& task, PyObject*& result) {
  ScopeWait* self = as_wait(object);
  Scope* scope = self->scope;
  if (!scope->left.load()) {
    PyErr_SetString(PyExc_RuntimeError,
                    "a scope is waited for after its `with` block, not inside it");
    return Poll::kError;
  }
  if (task.is_child_of(as_object(scope))) {
    PyErr_SetString(PyExc_RuntimeError,
                    "a task of a scope waits for that scope, which ends after its tasks");
    return Poll::kError;
  }
  for (;;) {
    if (scope->core.over()) return outcome(self, task, result);
    if (task.state().cancel_requested() || !task.state().begin_arming()) {
      if (scope->host != &task) return raise_cancelled(task);
      task.note_cancel();
      scope->core.cancel(task::CancelScope::Ending::kSpare);
      continue;
    }
    if (scope->core.wait(task.waiter())) return Poll::kPending;
    (void)task.state().cancel_arming();
  }
}

void wait_abandon(PyObject* self, CoroTask& task, bool) {
  as_wait(self)->scope->core.cancel_wait(task.waiter());
  task.forget_noted_cancel();
}

Poll wait_resume(PyObject* self, CoroTask& task, PyObject*& result) {
  if (task.state().reason() != task::WakeReason::kCompleted) {
    as_wait(self)->scope->core.cancel_wait(task.waiter());
  }
  return wait_start(self, task, result);
}

constexpr OperationKind kWaitKind{wait_start, wait_resume, wait_abandon, true, true};

int wait_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_wait(self)->scope);
  Py_VISIT(as_wait(self)->body);
  return 0;
}

void wait_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_wait(self)->scope);
  Py_XDECREF(as_wait(self)->body);
  PyObject_GC_Del(self);
}

Poll entered_start(PyObject* self, CoroTask&, PyObject*& result) {
  result = Py_NewRef(reinterpret_cast<ScopeEntered*>(self)->scope);
  return Poll::kReady;
}

Poll entered_resume(PyObject* self, CoroTask& task, PyObject*& result) {
  return entered_start(self, task, result);
}

void entered_abandon(PyObject*, CoroTask&, bool) {}

// Not a place where a cancellation is raised: __aexit__ would not be called.
constexpr OperationKind kEnteredKind{entered_start, entered_resume, entered_abandon, true};

int entered_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<ScopeEntered*>(self)->scope);
  return 0;
}

void entered_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(reinterpret_cast<ScopeEntered*>(self)->scope);
  PyObject_GC_Del(self);
}

}  // namespace

PyObject* make_scope_wait(PyObject* scope, PyObject* body, bool swallow, bool exits) {
  ScopeWait* self = PyObject_GC_New(ScopeWait, &scope_wait_type);
  if (!self) return nullptr;
  self->base.kind = &kWaitKind;
  self->scope = as_scope(Py_NewRef(scope));
  self->body = Py_XNewRef(body);
  self->swallow = swallow;
  self->exits = exits;
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* make_scope_entered(PyObject* scope) {
  ScopeEntered* self = PyObject_GC_New(ScopeEntered, &scope_entered_type);
  if (!self) return nullptr;
  self->base.kind = &kEnteredKind;
  self->scope = Py_NewRef(scope);
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

task::CancelScope* awaited_scope(PyObject* operation) {
  return Py_IS_TYPE(operation, &scope_wait_type) ? &as_wait(operation)->scope->core : nullptr;
}

bool init_scope_wait() {
  scope_entered_type.tp_name = "tonio.ScopeEntered";
  scope_entered_type.tp_basicsize = sizeof(ScopeEntered);
  scope_entered_type.tp_flags = Py_TPFLAGS_HAVE_GC;
  scope_entered_type.tp_traverse = entered_traverse;
  scope_entered_type.tp_dealloc = entered_dealloc;

  scope_wait_type.tp_name = "tonio.ScopeWait";
  scope_wait_type.tp_basicsize = sizeof(ScopeWait);
  scope_wait_type.tp_flags = Py_TPFLAGS_HAVE_GC;
  scope_wait_type.tp_traverse = wait_traverse;
  scope_wait_type.tp_dealloc = wait_dealloc;

  return ready_operation_type(scope_wait_type) && ready_operation_type(scope_entered_type);
}

}  // namespace tonio::python
