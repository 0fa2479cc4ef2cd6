// For loops that wait for another core by looking again and again.
#pragma once

namespace tonio::base {

// Tells the core that this is such a loop.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

}  // namespace tonio::base
