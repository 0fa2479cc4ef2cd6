// Permits that tasks take and give back; a lock is a semaphore of one. Thread-safe.
//
// First come first served: release() hands the permit to the task that has waited
// longest, so a permit that is free is one that nobody waits for, and nobody overtakes.
#pragma once

#include <cstddef>

#include "base/atomic.h"
#include "base/mutex.h"
#include "task/wait_queue.h"

namespace tonio::sync {

class Semaphore {
 public:
  explicit Semaphore(std::size_t permits) : limit_(permits), free_(permits) {}

  std::size_t limit() const { return limit_; }
  // Permits that nobody has.
  std::size_t available() const { return free_.load(std::memory_order_relaxed); }

  [[nodiscard]] bool try_acquire();
  // Gives one permit back. False when all are free: the caller has none.
  [[nodiscard]] bool release();

  // Puts an arming task in line. False when a permit was free: the task has it and is not
  // in line. A task that is resumed with kCompleted has its permit.
  [[nodiscard]] bool wait(task::Waiter& waiter);
  // By a resumed task that has got no permit.
  void cancel_wait(task::Waiter& waiter);

 private:
  const std::size_t limit_;
  base::Mutex mutex_;
  // Written under mutex_, which orders what the holders of permits do.
  base::Atomic<std::size_t> free_;
  task::WaitQueue waiters_;  // guarded by mutex_
};

}  // namespace tonio::sync
