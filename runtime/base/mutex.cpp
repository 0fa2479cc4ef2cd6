#include "base/mutex.h"

#include "base/futex.h"

namespace tonio::base {
namespace {

// A model tries every order, and once is as good as often then.
#ifdef TONIO_MODEL
constexpr int kSpins = 1;
#else
constexpr int kSpins = 100;
#endif

// Tells the core that this is a spin loop.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

}  // namespace

void Mutex::lock_slow() {
  // The sections are a few instructions long: another core's owner is usually
  // gone before a system call would be.
  for (int spin = 0; spin < kSpins; ++spin) {
    std::uint32_t expected = kFree;
    if (word_.load(std::memory_order_relaxed) == kFree &&
        word_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return;
    }
    relax();
  }
  while (word_.exchange(kContended, std::memory_order_acquire) != kFree) {
    futex_wait(word_, kContended);
  }
}

void Mutex::wake_one() { futex_wake(word_, 1); }

}  // namespace tonio::base
