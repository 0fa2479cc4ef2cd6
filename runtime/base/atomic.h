// Atomics of the protocols between threads. By these names, so that tests/models can
// put others in their place, which try every order (tests/models/README.md).
#pragma once

#include <atomic>

namespace tonio::base {

template <typename T>
using Atomic = std::atomic<T>;

inline void atomic_fence(std::memory_order order) { std::atomic_thread_fence(order); }

}  // namespace tonio::base
