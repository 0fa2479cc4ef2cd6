// Deadlines of suspended tasks, in microseconds. A removed timer is gone at once.
// Thread-safe. It reads no clock.
//
// A program waits for a few different lengths of time, and timers of one length are set in
// the order of their deadlines, or nearly, with several workers. So there are lanes, lists to
// which a timer is added at the end: whatever the number, that and leaving again look at a
// few. What fits no lane goes into a heap.
#pragma once

#include <array>
#include <cstddef>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "reactor/timer_heap.h"
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

  // Appends the tasks whose deadline is not after `now`, at most `most`, the earliest first.
  void fire_due(base::Instant now, std::size_t most, task::TaskList& ready);

  // Around a poll of the driver that will not end by itself before `latest`: gives
  // when it must end for the timers' sake (at most `latest`). From here to
  // end_poll(), add() tells when that has become too late.
  [[nodiscard]] base::Instant begin_poll(base::Instant latest);
  void end_poll();

  // Under the lock: when it is empty, the tasks of all timers that have fired are claimed.
  bool empty() {
    base::MutexLock lock(mutex_);
    return size() == 0;
  }
  // The earliest deadline, or kNever.
  base::Instant first() {
    base::MutexLock lock(mutex_);
    return first_deadline();
  }
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  using Lane = base::IntrusiveList<task::Timer>;
  // One for each length of time that a program commonly has under way.
  static constexpr std::size_t kLanes = 4;
  // In microseconds: by how much a timer may be overtaken between the look at the clock and
  // here, and still go into the lane of its length.
  static constexpr base::Instant kLate = 20;

  // With mutex_ held:
  // The lane whose last deadline comes closest to this one, if not much later; or null.
  Lane* lane_for(base::Instant deadline);
  task::Timer* earliest();
  base::Instant first_deadline();
  void take_out(task::Timer& timer);

  base::Mutex mutex_;
  // All below guarded by mutex_; size_ may be read without it.
  std::array<Lane, kLanes> lanes_;  // each in the order of the deadlines
  TimerHeap heap_;
  base::Atomic<std::size_t> size_{0};
  base::Instant poll_ends_ = 0;  // 0: no poll is under way
};

}  // namespace tonio::reactor
