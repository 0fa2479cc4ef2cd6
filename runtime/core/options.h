// What a program, its command line or its environment may ask of the runtime.
#pragma once

#include <chrono>

namespace tonio::core {

inline constexpr unsigned kMostThreads = 1024;
inline constexpr unsigned kMostBlockingThreads = 65'536;

struct Options {
  // Worker threads; at least 1.
  unsigned threads = 1;
  // Upper bound of the blocking pool; at least 1.
  unsigned blocking_threads = 128;
  // How long an idle blocking thread stays before it ends.
  std::chrono::milliseconds blocking_ttl{30'000};
  // How long a stop waits for tasks and blocking jobs to end before it names
  // what is left and goes on without them.
  std::chrono::milliseconds shutdown_timeout{10'000};
};

// Usable CPUs: the affinity mask bounded by the cgroup's CPU quota, at least 1.
unsigned default_threads();

}  // namespace tonio::core
