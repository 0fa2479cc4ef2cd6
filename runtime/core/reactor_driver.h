// The scheduler's view of the reactor; and, for tests, it notices when the runtime is at rest.
#pragma once

#include <atomic>

#include "base/clock.h"
#include "reactor/reactor.h"
#include "scheduler/blocking_pool.h"
#include "scheduler/driver.h"
#include "scheduler/scheduler.h"
#include "sync/event.h"

namespace tonio::core {

// At rest: every task is suspended, nothing is ready that the reactor could tell of, and no
// job runs on the blocking pool. Only a timer, or somebody outside, can make it go on then.
class ReactorDriver final : public scheduler::Driver {
 public:
  // May be made before the scheduler and the pool are.
  ReactorDriver(reactor::Reactor& reactor, scheduler::Scheduler& scheduler,
                const scheduler::BlockingPool& pool)
      : reactor_(reactor), scheduler_(scheduler), pool_(pool) {}

  void poll(base::Instant deadline, task::TaskList& ready) override;
  void fire_timers(std::size_t most, task::TaskList& due) override {
    reactor_.fire_timers(most, due);
  }
  void wake() override { reactor_.wake(); }
  bool watches_idle() const override {
    return waiting_.load(std::memory_order_seq_cst) != 0 || jumps();
  }

  // For a task that waits until everything else is at rest: what it waits on, between the
  // two calls. Any thread.
  sync::Event& at_rest() { return at_rest_; }
  void begin_wait_for_rest() { waiting_.fetch_add(1, std::memory_order_seq_cst); }
  void end_wait_for_rest() { waiting_.fetch_sub(1, std::memory_order_seq_cst); }

  // While the clock is frozen and the runtime has been at rest for `pause` microseconds of
  // real time, and nobody waits for that, the clock moves to the next deadline. kNever: it
  // does not, as at first. Any thread.
  void jump_after(base::Instant pause);
  bool jumps() const { return jump_after_.load(std::memory_order_relaxed) != base::kNever; }

 private:
  void poll_at_rest(task::TaskList& ready);

  // The pool's threads end without telling anybody; microseconds.
  static constexpr base::Instant kLookAgain = 1'000;

  reactor::Reactor& reactor_;
  scheduler::Scheduler& scheduler_;
  const scheduler::BlockingPool& pool_;
  sync::Event at_rest_;  // never set, only woken
  std::atomic<unsigned> waiting_{0};
  std::atomic<base::Instant> jump_after_{base::kNever};
};

}  // namespace tonio::core
