// A point that tasks pass when so many have arrived. Thread-safe.
//
// It serves once: from the arrival that completes it on, everybody passes at once. An
// arrival counts for good, also that of a task which is cancelled while it waits: it has
// been there, and the others rely on it.
#pragma once

#include <cstddef>

#include "base/mutex.h"
#include "task/wait_queue.h"

namespace tonio::sync {

class Barrier {
 public:
  explicit Barrier(std::size_t parties) : parties_(parties) {}

  // Arrivals so far.
  std::size_t value();

  // Arrives without waiting. Gives the number of arrivals before this one.
  std::size_t arrive();

  // Arrives and puts the arming task in line. False when the barrier is complete: the
  // waiter is not in line then. Either way the waiter carries what index_of() reads.
  [[nodiscard]] bool wait(task::Waiter& waiter);
  // By a resumed task that the barrier has not woken.
  void cancel_wait(task::Waiter& waiter);

  // The number of arrivals before the waiter's. By its task, after wait().
  static std::size_t index_of(const task::Waiter& waiter) { return waiter.number; }

 private:
  // Wakes everybody with the arrival that completes the barrier. Under mutex_.
  std::size_t count_arrival(task::TaskList& ready);

  const std::size_t parties_;
  base::Mutex mutex_;
  std::size_t arrivals_ = 0;  // guarded by mutex_
  task::WaitQueue waiters_;   // guarded by mutex_
};

}  // namespace tonio::sync
