#include "base/clock.h"

#include <ctime>

#include <cmath>

namespace tonio::base {

Instant now() {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<Instant>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1'000;
}

Instant deadline_after(Instant start, double seconds) {
  // 2^62 us are 146,000 years; past that the sum could overflow.
  constexpr double kLimit = 4.0e18;
  if (seconds <= 0) return start;
  const double us = std::ceil(seconds * 1e6);
  if (us >= kLimit) return kNever;
  return start + static_cast<Instant>(us);
}

}  // namespace tonio::base
