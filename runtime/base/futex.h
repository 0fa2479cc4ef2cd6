// futex(2) on a 32-bit atomic: the one way in which threads of the runtime sleep
// and wake each other outside the driver.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>

#include "base/atomic.h"
#include "base/clock.h"

namespace tonio::base {

// Sleeps while `word` holds `expected`, at most until `deadline` on the runtime's
// clock. May return early (a signal, a stray wake): callers look at the word
// again. False when the deadline has passed.
inline bool futex_wait(Atomic<std::uint32_t>& word, std::uint32_t expected,
                       Instant deadline = kNever) {
  timespec ts{};
  if (deadline != kNever) {
    ts.tv_sec = deadline / 1'000'000;
    ts.tv_nsec = (deadline % 1'000'000) * 1'000;
  }
  // FUTEX_WAIT_BITSET takes an absolute time on CLOCK_MONOTONIC.
  const long r = syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word),
                         FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                         deadline == kNever ? nullptr : &ts, nullptr, FUTEX_BITSET_MATCH_ANY);
  return !(r == -1 && errno == ETIMEDOUT);
}

inline void futex_wake(Atomic<std::uint32_t>& word, int count) {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
          count, nullptr, nullptr, 0);
}

}  // namespace tonio::base
