// The runtime's clock: monotonic, in microseconds.
#pragma once

#include <cstdint>
#include <limits>

namespace tonio::base {

// Microseconds on CLOCK_MONOTONIC.
using Instant = std::int64_t;

inline constexpr Instant kNever = std::numeric_limits<Instant>::max();

Instant now();

// `start + seconds`, rounded up to whole microseconds; kNever when that is past
// the clock's end. `seconds` must not be NaN; what is negative counts as 0.
Instant deadline_after(Instant start, double seconds);

}  // namespace tonio::base
