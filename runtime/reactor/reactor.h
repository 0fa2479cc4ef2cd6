// The event loop: readiness of descriptors and deadlines, on one libuv loop that is
// driven by whichever worker polls.
//
// libuv allows one thread at a time in a loop, so the loop has a lock. A poll holds it
// while it blocks; who wants something of the loop meanwhile leaves a request and
// wakes the poll (only uv_async_send is thread-safe).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "reactor/registration.h"
#include "reactor/runtime_clock.h"
#include "reactor/timer_queue.h"
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

  // In a forked child: the loop's descriptors are the parent's, and its lock may have
  // been held by a thread that does not exist here. From now on descriptors are closed
  // without the loop, and nothing else works.
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
  friend struct LoopSide;

  // When a poll has to end for the timers' sake, on the monotonic clock, as `latest` is;
  // 0: a timer is due.
  base::Instant begin_poll(base::Instant latest);
  // Brings the loop in line with what `registration` wants, now or by a request.
  void update(Registration& registration);
  // The same, waiting for the loop if need be. Detached.
  void update_now(Registration& registration);
  // False when the reactor is closed.
  [[nodiscard]] bool request(Registration& registration);
  // The loop lock is held:
  void serve_requests();
  void apply(Registration& registration);
  void let_go(Registration& registration);
  void stop_watching(Registration& registration);
  // Closes the descriptor that the registration was given for that, if any.
  static void close_descriptor(Registration& registration);

  std::atomic<bool> abandoned_{false};
  RuntimeClock clock_;  // changed by a thread that is attached
  TimerQueue timers_;

  base::Mutex loop_mutex_;
  // Guarded by loop_mutex_.
  std::unique_ptr<Loop> loop_;
  base::IntrusiveList<Registration> registrations_;  // those that the loop knows
  task::TaskList* ready_ = nullptr;                  // where callbacks put tasks; set during a poll

  // Threads that wait for the loop; a poll lets them go first.
  std::atomic<std::uint32_t> waiting_for_loop_{0};

  base::Mutex requests_mutex_;
  // Guarded by requests_mutex_.
  Registration* requests_ = nullptr;
  Loop* wakeable_ = nullptr;  // loop_, while it is open
  std::atomic<bool> has_requests_{false};
};

}  // namespace tonio::reactor
