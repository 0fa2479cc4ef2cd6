// A scope is left in two steps: its body ends (CancelScope::leave), then its children are
// waited for. `async with` does both in one; the plain notation can't suspend in
// __exit__, so it says `yield scope()` afterwards, and a task that does not say it ends
// only when the children have ended.
#include "python/scope.h"

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "python/arguments.h"
#include "python/coroutine_claim.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/host.h"
#include "python/join.h"
#include "python/names.h"
#include "python/operation.h"
#include "python/scope_object.h"
#include "python/scope_wait.h"
#include "python/shared_coroutine.h"
#include "python/spawn.h"
#include "python/suspending_call.h"

namespace tonio::python {
namespace {

PyTypeObject scope_type = empty_type();

// Whether a CancelledError that leaves the body was asked for by this scope, and not by
// one further out. By the host, inside the scope.
bool ends_here(Scope* scope, PyObject* exception) {
  if (!PyErr_GivenExceptionMatches(exception, cancelled_error)) return false;
  const task::CancelScope& core = scope->core;
  const auto id = cancellation_target(exception);
  if (id ? *id != core.id() : !core.cancelled()) return false;
  if (core.ends_at() == core.id()) return true;
  if (set_cancellation_target(exception, core.ends_at())) return false;
  PyErr_Clear();  // out of memory
  return true;
}

// What needs memory comes first; a time limit that passes before the scope is entered cancels it
// from its start.
bool enter(Scope* self) {
  CoroTask* task = current_task();
  if (!task) {
    PyErr_SetString(PyExc_RuntimeError,
                    "a scope is entered by a task: use it inside a coroutine that tonio runs");
    return false;
  }
  ScopeDeadline* deadline = nullptr;
  if (self->timeout > 0 && self->core.admission() == task::CancelScope::Admission::kNotEntered) {
    auto made = std::make_unique<ScopeDeadline>(Host::instance().scheduler(), as_object(self),
                                                self->timed_out);
    made->arm(Host::instance().reactor().deadline_after(self->timeout));
    deadline = made.release();
  }
  if (!self->core.enter(*task)) {
    if (deadline) deadline->disarm();
    PyErr_SetString(PyExc_RuntimeError, "a scope can be entered once: make another one");
    return false;
  }
  self->host = task;
  if (self->timeout == 0) {
    // Not left to a timer: over at the first suspension, whatever that is.
    self->timed_out.store(self->core.cancel());
  } else if (deadline) {
    self->deadline.store(deadline);
  }
  return true;
}

// The body has ended, with `exception` or null. Gives whether that is swallowed; none
// with an exception set.
std::optional<bool> leave(Scope* self, PyObject* exception) {
  CoroTask* task = current_task();
  if (!task || !self->core.leave(*task)) {
    PyErr_SetString(PyExc_RuntimeError, "a scope is left once, by the task that has entered it");
    return std::nullopt;
  }
  if (self->core.over()) disarm(self);
  self->left.store(true);
  const bool swallow = exception && ends_here(self, exception);
  // A body that failed has no use for its children, nor for those that it left in other scopes.
  if (exception) self->core.cancel(task::CancelScope::Ending::kSpare);
  if (self->core.cancelled()) task->cancel_left_scopes(self->core.id());
  return swallow;
}

PyObject* exception_of(PyObject* const* args, Py_ssize_t count) {
  return count == 3 && args[1] != Py_None ? args[1] : nullptr;
}

PyObject* scope_enter(PyObject* self, PyObject*) {
  return enter(as_scope(self)) ? Py_NewRef(self) : nullptr;
}

PyObject* scope_exit(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  Scope* self = as_scope(object);
  const auto swallow = leave(self, exception_of(args, count));
  if (!swallow) return nullptr;
  if (self->core.has_children()) current_task()->wait_at_end(object);
  if (*swallow && self->raise_timeout && self->timed_out.load()) {
    PyErr_SetString(timeout_error, "the time limit of a scope has passed");
    return nullptr;
  }
  return PyBool_FromLong(*swallow);
}

PyObject* scope_aenter(PyObject* self, PyObject*) {
  return enter(as_scope(self)) ? make_scope_entered(self) : nullptr;
}

PyObject* scope_aexit(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  PyObject* exception = exception_of(args, count);
  const auto swallow = leave(as_scope(self), exception);
  // For a task that does not await what this gives, too.
  if (swallow && as_scope(self)->core.has_children()) current_task()->wait_at_end(self);
  return swallow ? make_scope_wait(self, exception, *swallow, true) : nullptr;
}

PyObject* scope_call(PyObject* self, PyObject* args, PyObject* keywords) {
  if (PyTuple_GET_SIZE(args) > 0 || (keywords && PyDict_GET_SIZE(keywords) > 0)) {
    PyErr_SetString(PyExc_TypeError, "scope() takes no arguments");
    return nullptr;
  }
  return make_scope_wait(self, nullptr, false, false);
}

// Of starting it. One that is another task's is left to that task. False with an exception
// set.
bool close_instead(PyObject* awaitable) {
  awaitable = without_suspending_call(awaitable);
  if (!claim_coroutine(awaitable)) return true;
  // As if it had been cancelled before it began.
  PyErr_SetNone(cancelled_error);
  keep_outcome(awaitable, nullptr, false);
  PyErr_Clear();
  if (Ref::steal(PyObject_CallMethodNoArgs(awaitable, names::close))) return true;
  // What has nothing to close needs no closing.
  if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return false;
  PyErr_Clear();
  return true;
}

PyObject* scope_spawn(PyObject* object, PyObject* awaitable) {
  Scope* self = as_scope(object);
  switch (self->core.admission()) {
    case task::CancelScope::Admission::kNotEntered:
      PyErr_SetString(PyExc_RuntimeError,
                      "the scope has not been entered: spawn inside its `with` block");
      return nullptr;
    case task::CancelScope::Admission::kClosed:
      if (!close_instead(awaitable)) return nullptr;
      Py_RETURN_NONE;
    case task::CancelScope::Admission::kOpen:
      break;
  }
  if (!spawn_child(awaitable, object)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* scope_cancel(PyObject* self, PyObject*) {
  as_scope(self)->core.cancel();
  Py_RETURN_NONE;
}

PyObject* scope_cancel_sparing(PyObject* self, PyObject*) {
  as_scope(self)->core.cancel(task::CancelScope::Ending::kSpare);
  Py_RETURN_NONE;
}

PyObject* scope_open(PyObject* self, PyObject*) {
  as_scope(self)->core.open_for_children();
  Py_RETURN_NONE;
}

PyObject* scope_cancelled(PyObject* self, void*) {
  return PyBool_FromLong(as_scope(self)->core.cancelled());
}

PyObject* scope_timed_out(PyObject* self, void*) {
  return PyBool_FromLong(as_scope(self)->timed_out.load());
}

PyObject* scope_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"timeout", "shield", "raise_timeout", nullptr};
  PyObject* limit = Py_None;
  int shield = 0;
  int raise_timeout = 0;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$Opp:scope", const_cast<char**>(names), &limit,
                                   &shield, &raise_timeout)) {
    return nullptr;
  }
  double timeout = -1;
  if (limit != Py_None) {
    const auto seconds = parse_seconds(limit, "timeout");
    if (!seconds) return nullptr;
    timeout = *seconds;
  } else if (raise_timeout) {
    PyErr_SetString(PyExc_ValueError, "tonio.scope(): raise_timeout needs a timeout");
    return nullptr;
  }
  PyObject* object = type->tp_alloc(type, 0);
  if (!object) return nullptr;
  Scope* self = as_scope(object);
  self->timeout = timeout;
  self->raise_timeout = raise_timeout != 0;
  self->host = nullptr;
  new (&self->core) task::CancelScope(shield != 0);
  new (&self->deadline) std::atomic<ScopeDeadline*>(nullptr);
  new (&self->left) std::atomic<bool>(false);
  new (&self->timed_out) std::atomic<bool>(false);
  new (&self->child_ended_with_run) std::atomic<bool>(false);
  new (&self->observed) std::atomic<bool>(false);
  self->next_left = nullptr;
  new (&self->failures) Failures();
  new (&self->site) SpawnSite(SpawnSite::here());
  return object;
}

int scope_traverse(PyObject* object, visitproc visit, void* arg) {
  Scope* self = as_scope(object);
  // Children hold references that the collector can't see, and add failures.
  if (self->core.has_children()) return 0;
  if (const int stopped = self->failures.traverse(visit, arg)) return stopped;
  return self->site.traverse(visit, arg);
}

int scope_clear(PyObject* object) {
  as_scope(object)->failures.clear();
  return 0;
}

// Not in dealloc: the collector has emptied the exceptions by then, if they are garbage.
void scope_finalize(PyObject* object) {
  Scope* self = as_scope(object);
  if (self->observed.exchange(true)) return;
  for (std::size_t i = 0; const Ref failure = self->failures.at(i); ++i) {
    report_unawaited("task of a scope", failure.get(), self->site);
  }
}

void scope_dealloc(PyObject* object) {
  if (PyObject_CallFinalizerFromDealloc(object) < 0) return;
  PyObject_GC_UnTrack(object);
  Scope* self = as_scope(object);
  if (self->weak_references) PyObject_ClearWeakRefs(object);
  if (ScopeDeadline* deadline = self->deadline.load()) deadline->drop();
  scope_clear(object);
  self->site.~SpawnSite();
  self->failures.~Failures();
  self->core.~CancelScope();
  Py_TYPE(object)->tp_free(object);
}

PyMethodDef scope_methods[] = {
    {"spawn", as_cfunction<scope_spawn>(), METH_O,
     PyDoc_STR("spawn($self, coro, /)\n--\n\n"
               "Starts coro as a child of the scope. Once the scope is cancelled or over, it is "
               "closed instead. From any thread.")},
    {"cancel", as_cfunction<scope_cancel>(), METH_NOARGS,
     PyDoc_STR(
         "cancel($self, /)\n--\n\n"
         "Raises CancelledError in the children and in the scope's body, each where it is "
         "suspended, at once; a scope that has yet to be entered is cancelled from its start. "
         "Once per scope: what cleans up is not disturbed. From any thread.")},
    {"_cancel_sparing", as_cfunction<scope_cancel_sparing>(), METH_NOARGS,
     PyDoc_STR("cancel(), but of what ends with its run, which cancels that itself, once.")},
    {"_open", as_cfunction<scope_open>(), METH_NOARGS, PyDoc_STR("For children without a body.")},
    {"__enter__", as_cfunction<scope_enter>(), METH_NOARGS, nullptr},
    {"__exit__", as_cfunction<scope_exit>(), METH_FASTCALL, nullptr},
    {"__aenter__", as_cfunction<scope_aenter>(), METH_NOARGS, nullptr},
    {"__aexit__", as_cfunction<scope_aexit>(), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef scope_attributes[] = {
    {"cancelled", entry<scope_cancelled>, nullptr, PyDoc_STR("Whether it has been cancelled."),
     nullptr},
    {"timed_out", entry<scope_timed_out>, nullptr,
     PyDoc_STR("Whether its time limit has cancelled it."), nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

task::CancelScope& scope_core(PyObject* scope) { return as_scope(scope)->core; }

void scope_child_ended_with_run(PyObject* scope) {
  as_scope(scope)->child_ended_with_run.store(true);
}

void scope_is_over(PyObject* scope) { disarm(as_scope(scope)); }

PyObject*& next_left_scope(PyObject* scope) { return as_scope(scope)->next_left; }

void scope_child_failed(PyObject* object, PyObject* failure) {
  Scope* self = as_scope(object);
  // SystemExit and KeyboardInterrupt have ended the run, which raises them.
  if (PyErr_GivenExceptionMatches(failure, cancelled_error) ||
      PyErr_GivenExceptionMatches(failure, PyExc_SystemExit) ||
      PyErr_GivenExceptionMatches(failure, PyExc_KeyboardInterrupt)) {
    Py_DECREF(failure);
    return;
  }
  if (!self->failures.add(failure)) {
    // Who waits learns of the others only.
    report_unawaited("task of a scope", failure, self->site);
    Py_DECREF(failure);
  }
  self->core.cancel(task::CancelScope::Ending::kSpare);
}

bool init_scope(PyObject* module) {
  scope_type.tp_name = "tonio.scope";
  scope_type.tp_doc = PyDoc_STR(
      "scope(*, timeout=None, shield=False, raise_timeout=False)\n--\n\n"
      "A context manager around work that belongs together. Plain: `with tonio.scope() as s: …`, "
      "then `yield s()` waits for the children; colored: `async with tonio.scope() as s: …` waits "
      "when it is left. A child that fails, or a body that fails, cancels the others; failures of "
      "children are raised as one ExceptionGroup where the scope is waited for.\n\n"
      "timeout: seconds after which the scope is cancelled; with raise_timeout that raises "
      "tonio.exceptions.TimeoutError from the body. shield: cancellation from outside waits until "
      "the scope has been left.");
  scope_type.tp_basicsize = sizeof(Scope);
  scope_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC;
  scope_type.tp_new = entry<scope_new>;
  scope_type.tp_call = entry<scope_call>;
  scope_type.tp_methods = scope_methods;
  scope_type.tp_getset = scope_attributes;
  scope_type.tp_traverse = scope_traverse;
  scope_type.tp_clear = scope_clear;
  scope_type.tp_finalize = scope_finalize;
  scope_type.tp_dealloc = scope_dealloc;
  scope_type.tp_weaklistoffset = offsetof(Scope, weak_references);

  return PyType_Ready(&scope_type) == 0 && init_scope_wait() &&
         PyModule_AddObjectRef(module, "scope", reinterpret_cast<PyObject*>(&scope_type)) == 0;
}

}  // namespace tonio::python
