// What tonio.scope() gives, for the files that make it up.
#pragma once

#include <atomic>

#include "python/failures.h"
#include "python/py.h"
#include "python/scope_deadline.h"
#include "python/spawn_site.h"
#include "task/cancel_scope.h"

namespace tonio::python {

struct Scope {
  PyObject_HEAD PyObject* weak_references;
  double timeout;  // seconds; negative: none
  bool raise_timeout;
  task::CancelScope core;
  // Who has entered it, and does not end before it is over; null for one without a body. Written
  // before `left`, read after it.
  const task::Task* host;
  std::atomic<bool> left;
  std::atomic<bool> timed_out;
  std::atomic<bool> child_ended_with_run;  // a child was cancelled because the run ends
  std::atomic<bool> observed;              // somebody has waited for it
  std::atomic<ScopeDeadline*> deadline;    // until the scope is over; whoever takes it disarms it
  PyObject* next_left;  // owned: the one that the same task has left before (CoroTask::wait_at_end)
  Failures failures;
  SpawnSite site;
};

inline Scope* as_scope(PyObject* self) { return reinterpret_cast<Scope*>(self); }
inline PyObject* as_object(Scope* scope) { return reinterpret_cast<PyObject*>(scope); }

// The scope is over.
inline void disarm(Scope* scope) {
  if (ScopeDeadline* deadline = scope->deadline.exchange(nullptr)) deadline->disarm();
}

}  // namespace tonio::python
