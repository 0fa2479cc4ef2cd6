// Notices that a run can never end: every task waits for another one, and
// nothing else is left that could wake any. When in doubt it is none.
#pragma once

#include "base/clock.h"

namespace tonio::python {

// The threads that the process has now, other than the caller, are none of the
// program's (a sanitizer's, say). Before Python is initialised.
void remember_first_threads();

// Main thread, attached.
class DeadlockWatch {
 public:
  // `fd` is the eventfd that the caller waits on; it is written to, once in a
  // while, when all workers have become idle. An inactive watch does nothing.
  DeadlockWatch(bool active, int fd);
  ~DeadlockWatch();
  DeadlockWatch(const DeadlockWatch&) = delete;
  DeadlockWatch& operator=(const DeadlockWatch&) = delete;

  // Until when to wait before found() is asked again; base::kNever while
  // nothing can have changed. To be asked anew after each wait.
  base::Instant next_look();
  // A signal has come; its handler may have been the last one.
  void signal_came() {
    if (active_ && look_at_ == base::kNever) schedule();
  }
  // After each wait. True with an exception set (Deadlock, or what a handler of
  // a signal that came just now has raised) when the run is to end.
  [[nodiscard]] bool found();

 private:
  void schedule() { look_at_ = base::now() + pause_; }

  const bool active_;
  base::Instant pause_ = 100'000;
  base::Instant look_at_ = base::kNever;
};

}  // namespace tonio::python
