// A flag that tasks can wait for. Thread-safe.
#pragma once

#include "base/atomic.h"
#include "base/mutex.h"
#include "task/wait_queue.h"

namespace tonio::sync {

class Event {
 public:
  bool is_set() const { return set_.load(std::memory_order_acquire); }

  // Sets the flag and wakes who waits. True if it was this call that set it.
  bool set();
  void clear();
  // Wakes who waits and leaves the flag as it is.
  void wake();

  // Puts an arming task in line. False when the flag is set: the waiter is not in
  // line then.
  [[nodiscard]] bool wait(task::Waiter& waiter);
  // By a resumed task that set() has not woken.
  void cancel_wait(task::Waiter& waiter);

  // Visits the waiters under the lock; `visit` may not call back.
  template <typename Visit>
  void for_each_waiter(Visit&& visit) {
    base::MutexLock lock(mutex_);
    waiters_.for_each(visit);
  }

 private:
  base::Mutex mutex_;
  // Written under mutex_. Release: who sees it set also sees what came before set().
  base::Atomic<bool> set_{false};
  task::WaitQueue waiters_;  // guarded by mutex_
};

}  // namespace tonio::sync
