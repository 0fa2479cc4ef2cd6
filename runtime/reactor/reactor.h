// The event loop: readiness of descriptors and deadlines, driven by whichever worker polls.
//
// A poll waits for what tasks wait for (WatchSet) and for a libuv loop, which has what ends a
// poll: the timerfd, and what other threads wake it with. libuv allows one thread at a time in a
// loop, so there is a lock, which a poll holds while it blocks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "reactor/registration.h"
#include "reactor/runtime_clock.h"
#include "reactor/timer_queue.h"
#include "reactor/watch_set.h"
#include "task/task.h"

namespace tonio::reactor {

struct Loop;  // the libuv side

class Reactor {
 public:
  Reactor();
  // close() has been called, or open() has failed.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Makes the loop. False with the reason in `error`. Throws std::bad_alloc.
  [[nodiscard]] bool open(std::string& error);
  // No poll is under way and none will be. Wakes who still waits for a descriptor.
  void close();

  // In a forked child: the loop's and the set's descriptors are the parent's, and their locks may
  // have been held by a thread that does not exist here. From now on both are left alone, and
  // nobody can wait.
  void abandon() { abandoned_.store(true, std::memory_order_relaxed); }

  // As scheduler::Driver has them. wake() has no effect on a closed reactor.
  void poll(base::Instant deadline, task::TaskList& ready);
  void fire_timers(std::size_t most, task::TaskList& due);
  void wake();

  // TimerQueue::add, and the driver is told.
  void add_timer(task::Task& task, base::Instant deadline) {
    if (timers_.add(task, deadline)) wake();
  }
  void add_timer_after(task::Task& task, double seconds) {
    add_timer(task, deadline_after(seconds));
  }
  void remove_timer(task::Task& task) { timers_.remove(task); }

  // A snapshot; the tasks of those that have fired are claimed.
  bool has_timers() { return !timers_.empty(); }
  // The earliest deadline of all timers, or kNever.
  base::Instant first_deadline() { return timers_.first(); }
  bool has_due_timers() { return timers_.first() <= clock_.now(); }

  // What timers go by.
  const RuntimeClock& clock() const { return clock_; }
  base::Instant deadline_after(double seconds) const {
    return base::deadline_after(clock_.now(), seconds);
  }
  // For tests (RuntimeClock); the driver is told.
  void freeze_clock();
  void move_clock(base::Instant when);
  void let_clock_go_on();

  static std::string libuv_version();

 private:
  friend class Registration;

  // When a poll has to end for the timers' sake, on the monotonic clock, as `latest` is;
  // 0: a timer is due.
  base::Instant begin_poll(base::Instant latest);
  bool abandoned() const { return abandoned_.load(std::memory_order_relaxed); }
  // WatchSet has them; without an effect on an abandoned reactor.
  void make_room(int fd);
  [[nodiscard]] int watch(Registration& registration);
  void forget(Registration& registration);

  std::atomic<bool> abandoned_{false};
  RuntimeClock clock_;  // changed by a thread that is attached
  TimerQueue timers_;

  base::Mutex loop_mutex_;
  std::unique_ptr<Loop> loop_;  // guarded by loop_mutex_
  WatchSet watches_;            // open as long as the loop is

  base::Mutex wake_mutex_;
  Loop* wakeable_ = nullptr;  // loop_, while it is open; guarded by wake_mutex_
};

}  // namespace tonio::reactor
