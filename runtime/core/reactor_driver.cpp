#include "core/reactor_driver.h"

namespace tonio::core {

void ReactorDriver::poll(base::Instant deadline, task::TaskList& ready) {
  // Without a deadline: no worker runs.
  if (deadline == base::kNever && watches_idle()) [[unlikely]]
    return poll_at_rest(ready);
  reactor_.poll(deadline, ready);
}

void ReactorDriver::jump_after(base::Instant pause) {
  jump_after_.store(pause, std::memory_order_seq_cst);
  // A poll that is under way knows nothing of it.
  wake();
}

void ReactorDriver::poll_at_rest(task::TaskList& ready) {
  reactor_.poll(0, ready);
  if (!ready.empty() || reactor_.has_due_timers()) return;
  // In this order: who waits now is suspended if no worker runs afterwards, and a job that
  // has ended has woken its task before.
  const bool somebody_waits = waiting_.load(std::memory_order_seq_cst) != 0;
  if (pool_.busy() || !scheduler_.idle_steps()) {
    return reactor_.poll(base::now() + kLookAgain, ready);
  }
  if (somebody_waits) return at_rest_.wake();
  const base::Instant pause = jump_after_.load(std::memory_order_relaxed);
  const base::Instant next = reactor_.first_deadline();
  if (pause == base::kNever || next == base::kNever || !reactor_.clock().frozen()) {
    return reactor_.poll(base::kNever, ready);
  }
  if (pause > 0) {
    const base::Instant until = base::now() + pause;
    reactor_.poll(until, ready);
    if (!ready.empty() || reactor_.has_due_timers() || base::now() < until) return;
  }
  reactor_.move_clock(next);
}

}  // namespace tonio::core
