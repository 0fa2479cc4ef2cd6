// Notices that a run can never end: every task waits for another one, and nothing else is
// left that could wake any. When in doubt it is none.
#pragma once

#include "base/clock.h"

namespace tonio::python {

// Main thread, attached.
class DeadlockWatch {
 public:
  explicit DeadlockWatch(bool active);
  DeadlockWatch(const DeadlockWatch&) = delete;
  DeadlockWatch& operator=(const DeadlockWatch&) = delete;

  // Until when to wait before found() is asked again.
  base::Instant next_look() const { return active_ ? look_at_ : base::kNever; }
  // After each wait. True with an exception set (Deadlock, or what its search raised) when
  // the run is to end.
  [[nodiscard]] bool found();

 private:
  const bool active_;
  base::Instant pause_ = 100'000;
  base::Instant look_at_;
};

}  // namespace tonio::python
