// A mutex of four bytes for leaf locks: critical sections of a few instructions, or
// a short system call, that never call Python, never allocate Python memory and never
// take another lock that isn't below theirs (docs/threading.md has the order). That is
// what makes it safe to take one while attached to the interpreter.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/atomic.h"
#include "base/stress.h"

namespace tonio::base {

class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() {
    stress_point();
    std::uint32_t expected = kFree;
    // Pairs with the release in unlock().
    if (!word_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
      lock_slow();
    }
  }

  [[nodiscard]] bool try_lock() {
    stress_point();
    std::uint32_t expected = kFree;
    return word_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  void unlock() {
    // Pairs with the acquire of the next owner.
    if (word_.exchange(kFree, std::memory_order_release) == kContended) wake_one();
    stress_point();
  }

 private:
  static constexpr std::uint32_t kFree = 0, kHeld = 1, kContended = 2;

  void lock_slow();
  void wake_one();

  Atomic<std::uint32_t> word_{kFree};
};

using MutexLock = std::lock_guard<Mutex>;

}  // namespace tonio::base
