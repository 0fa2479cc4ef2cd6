// The time limit of a scope.
#pragma once

#include <atomic>

#include "base/clock.h"
#include "python/py.h"
#include "task/task.h"

namespace tonio::python {

// A native task that cancels the scope when its time is over, and keeps it alive until
// then or until it was disarmed. Shared by the scope and the timer.
class ScopeDeadline final : public task::Task {
 public:
  // `timed_out`, a part of the scope, tells that this has cancelled it.
  ScopeDeadline(task::Waker& waker, PyObject* scope, std::atomic<bool>& timed_out)
      : Task(waker), scope_(scope), timed_out_(timed_out) {}

  // Throws std::bad_alloc, and is as before.
  void arm(base::Instant when);
  // By who has taken it from the scope.
  void disarm();
  Outcome run() override;
  // The scope, or the timer, needs it no more.
  void drop() {
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  void end_timer();

  PyObject* const scope_;  // owned by the timer
  std::atomic<bool>& timed_out_;
  std::atomic<unsigned> owners_{2};
};

}  // namespace tonio::python
