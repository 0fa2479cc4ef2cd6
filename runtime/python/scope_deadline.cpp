#include "python/scope_deadline.h"

#include "python/host.h"
#include "python/scope.h"

namespace tonio::python {

void ScopeDeadline::arm(base::Instant when) {
  state().begin();
  (void)state().begin_arming();
  Host::instance().reactor().add_timer(*this, when);
  // Nobody runs it before it has armed.
  Py_INCREF(scope_);
  if (!state().finish_arming()) wake();
}

void ScopeDeadline::disarm() {
  Host::instance().reactor().remove_timer(*this);
  // Lost: the timer has fired, and run() is on its way.
  if (state().claim(task::WakeReason::kCompleted) == task::Claim::kSchedule) end_timer();
  drop();
}

task::Task::Outcome ScopeDeadline::run() {
  task::CancelScope& core = scope_core(scope_);
  if (!core.over()) {
    timed_out_.store(true);
    if (!core.cancel()) timed_out_.store(false);  // it was cancelled before
  }
  end_timer();
  return Outcome::kGone;
}

void ScopeDeadline::end_timer() {
  PyObject* scope = scope_;
  drop();
  Py_DECREF(scope);
}

}  // namespace tonio::python
