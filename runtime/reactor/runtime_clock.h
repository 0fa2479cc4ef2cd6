// The clock that the deadlines of tasks are on.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace tonio::reactor {

// The monotonic clock, or, for tests, a manual one: it stands still and is moved by hand.
// It never goes back, not even where it is frozen or goes on again: deadlines that
// have been set stay what they are. Microseconds, as base::Instant. It may be read from any
// thread; one thread at a time changes it.
class RuntimeClock {
 public:
  base::Instant now() const {
    const base::Instant stands_at = stands_at_.load(std::memory_order_acquire);
    return stands_at != base::kNever ? stands_at : base::now() + ahead();
  }

  bool frozen() const { return stands_at_.load(std::memory_order_acquire) != base::kNever; }
  // How far it is ahead of the monotonic clock while it goes on; may be negative.
  base::Instant ahead() const { return ahead_.load(std::memory_order_relaxed); }

  void freeze() { stands_at_.store(now(), std::memory_order_release); }
  // Frozen. What is not later than now has no effect.
  void move_to(base::Instant when) {
    if (when > now()) stands_at_.store(when, std::memory_order_release);
  }
  // Goes on from where it stands.
  void go_on() {
    if (!frozen()) return;
    ahead_.store(now() - base::now(), std::memory_order_relaxed);
    // Release: who sees it go on also sees how far it is ahead.
    stands_at_.store(base::kNever, std::memory_order_release);
  }

 private:
  std::atomic<base::Instant> stands_at_{base::kNever};  // kNever: it goes on
  std::atomic<base::Instant> ahead_{0};
};

}  // namespace tonio::reactor
