// Deadlines of suspended tasks, in microseconds: a 4-ary heap, so that adding and
// removing cost a few moves whatever the number, and a removed timer is gone at once.
// Thread-safe. It reads no clock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "task/task.h"

namespace tonio::reactor {

class TimerQueue {
 public:
  // Wakes `task` with kTimedOut at `deadline`, unless it is woken or removed before.
  // A task has one timer at most. True: a poll that is under way ends later than
  // that, so the caller must wake the driver.
  [[nodiscard]] bool add(task::Task& task, base::Instant deadline);

  // By the task itself, once it is resumed. No effect when the timer has fired.
  void remove(task::Task& task);

  // Appends the tasks whose deadline is not after `now`.
  void fire_due(base::Instant now, task::TaskList& ready);

  // Around a poll of the driver that will not end by itself before `latest`: gives
  // when it must end for the timers' sake (at most `latest`). From here to
  // end_poll(), add() tells when that has become too late.
  [[nodiscard]] base::Instant begin_poll(base::Instant latest);
  void end_poll();

  // Under the lock: when it is empty, the tasks of all timers that have fired are claimed.
  bool empty() {
    base::MutexLock lock(mutex_);
    return heap_.empty();
  }
  // The earliest deadline, or kNever.
  base::Instant first() {
    base::MutexLock lock(mutex_);
    return heap_.empty() ? base::kNever : heap_.front().deadline;
  }
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kArity = 4;

  struct Entry {
    base::Instant deadline;
    task::Task* task;
  };

  void place(std::uint32_t position, Entry entry);
  void sift_up(std::uint32_t position, Entry entry);
  void sift_down(std::uint32_t position, Entry entry);
  void remove_at(std::uint32_t position);

  base::Mutex mutex_;
  // All below guarded by mutex_; size_ may be read without it.
  std::vector<Entry> heap_;
  std::atomic<std::size_t> size_{0};
  base::Instant poll_ends_ = 0;  // 0: no poll is under way
};

}  // namespace tonio::reactor
