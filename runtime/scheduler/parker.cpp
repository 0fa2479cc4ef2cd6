#include "scheduler/parker.h"

#include "base/check.h"
#include "base/futex.h"

namespace tonio::scheduler {

// Acquire on what consumes a token pairs with the release of unpark(): what the
// notifier did before is visible to the woken worker.

Parker::Woken Parker::sleep(base::Instant deadline) {
  std::uint32_t word = kAwake;
  word_.compare_exchange_strong(word, kAsleep, std::memory_order_acq_rel,
                                std::memory_order_acquire);
  for (;;) {
    const bool timed_out =
        word_.load(std::memory_order_acquire) == kAsleep &&
        !base::futex_wait(word_, kAsleep, deadline);
    word = word_.load(std::memory_order_acquire);
    if (word == kAsleep && !timed_out) continue;
    // Only another unpark() can change the word now, and it leaves kNotified.
    const std::uint32_t left = word_.exchange(kAwake, std::memory_order_acq_rel);
    if (left == kNotified) return Woken::kNotified;
    if (left == kWatch) return Woken::kWatch;
    return Woken::kDeadline;
  }
}

Parker::Drive Parker::begin_drive() {
  std::uint32_t word = kAwake;
  if (word_.compare_exchange_strong(word, kDriving, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
    return Drive::kGo;
  }
  // Whoever polls sees everything that a watch would.
  if (word == kWatch && word_.compare_exchange_strong(word, kDriving, std::memory_order_acq_rel,
                                                      std::memory_order_acquire)) {
    return Drive::kGoNotWatching;
  }
  TONIO_DCHECK(word == kNotified);
  word_.store(kAwake, std::memory_order_relaxed);
  return Drive::kNotified;
}

void Parker::end_drive() { word_.exchange(kAwake, std::memory_order_acq_rel); }

Parker::Unpark Parker::unpark() {
  switch (word_.exchange(kNotified, std::memory_order_acq_rel)) {
    case kAsleep:
      base::futex_wake(word_, 1);
      return Unpark::kDone;
    case kWatch:
      base::futex_wake(word_, 1);
      return Unpark::kWasToWatch;
    case kDriving:
      return Unpark::kWasDriving;
    default:
      return Unpark::kDone;
  }
}

bool Parker::request_watch() {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  while (word == kAsleep || word == kAwake) {
    const bool asleep = word == kAsleep;
    if (word_.compare_exchange_weak(word, kWatch, std::memory_order_acq_rel,
                                    std::memory_order_relaxed)) {
      if (asleep) base::futex_wake(word_, 1);
      return true;
    }
  }
  return false;
}

}  // namespace tonio::scheduler
