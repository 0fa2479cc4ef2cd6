// In place of runtime/base/futex.h.
#pragma once

#include <cstdint>
#include <source_location>

#include "base/atomic.h"
#include "base/clock.h"

namespace tonio::base {

inline bool futex_wait(Atomic<std::uint32_t>& word, std::uint32_t expected,
                       Instant deadline = kNever,
                       std::source_location where = std::source_location::current()) {
  return model::Explorer::current().wait(word.location(), expected, deadline, where);
}

inline void futex_wake(Atomic<std::uint32_t>& word, int count,
                       std::source_location where = std::source_location::current()) {
  model::Explorer::current().wake(word.location(), count, where);
}

}  // namespace tonio::base
