#include "scheduler/parker.h"

#include "base/check.h"
#include "base/futex.h"
#include "base/stress.h"

namespace tonio::scheduler {

// Acquire on what consumes a token pairs with the release of unpark(): what the
// notifier did before is visible to the woken worker.

Parker::Woken Parker::sleep(base::Instant deadline) {
  std::uint32_t word = kAwake;
  base::stress_point();
  if (word_.compare_exchange_strong(word, kAsleep, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
    bool timed_out = false;
    do {
      timed_out = !base::futex_wait(word_, kAsleep, deadline);
    } while (word_.load(std::memory_order_acquire) == kAsleep && !timed_out);
  }
  const std::uint32_t left = word_.exchange(kAwake, std::memory_order_acq_rel);
  return {(left & kPhaseMask) == kNotified, (left & kWatchFlag) != 0};
}

bool Parker::begin_drive() {
  base::stress_point();
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    const bool notified = (word & kPhaseMask) == kNotified;
    TONIO_DCHECK(notified || (word & kPhaseMask) == kAwake);
    const std::uint32_t next = (word & kWatchFlag) | (notified ? kAwake : kDriving);
    if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                    std::memory_order_relaxed)) {
      return !notified;
    }
  }
}

void Parker::end_drive() {
  base::stress_point();
  word_.fetch_and(kWatchFlag, std::memory_order_acq_rel);
}

bool Parker::unpark() {
  base::stress_point();
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  // An exchange even where a token is left already: who consumes that one must see
  // what this caller did, too.
  while (!word_.compare_exchange_weak(word, (word & kWatchFlag) | kNotified,
                                      std::memory_order_acq_rel, std::memory_order_relaxed)) {
  }
  if ((word & kPhaseMask) == kAsleep) base::futex_wake(word_, 1);
  return (word & kPhaseMask) == kDriving;
}

void Parker::request_watch() {
  base::stress_point();
  const std::uint32_t word = word_.fetch_or(kWatchFlag, std::memory_order_acq_rel);
  if ((word & kPhaseMask) == kAsleep) base::futex_wake(word_, 1);
}

bool Parker::take_watch_request() {
  return word_.fetch_and(~kWatchFlag, std::memory_order_acq_rel) & kWatchFlag;
}

}  // namespace tonio::scheduler
