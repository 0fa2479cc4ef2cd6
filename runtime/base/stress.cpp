#include "base/stress.h"

#ifdef TONIO_STRESS_POINTS

#include <sched.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/clock.h"

namespace tonio::base {
namespace {

struct Seed {
  Seed() {
    const char* text = std::getenv("TONIO_STRESS_SEED");
    if (!text || !*text) return;
    char* end = nullptr;
    errno = 0;
    value = std::strtoull(text, &end, 10);
    if (*end || errno || text[0] < '0' || text[0] > '9') {
      std::fprintf(stderr, "tonio: TONIO_STRESS_SEED is a number from 0 to 2**64 - 1, not %s\n",
                   text);
      std::_Exit(2);
    }
    set = true;
  }
  std::uint64_t value = 0;
  bool set = false;
};

// splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)
// advances by a constant, so threads that begin at numbers of their own don't meet.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::uint64_t next_random(std::uint64_t seed) {
  static std::atomic<std::uint64_t> threads{0};
  thread_local std::uint64_t state =
      mix(seed) + mix(threads.fetch_add(1, std::memory_order_relaxed) + 1);
  state += 0x9e3779b97f4a7c15u;
  return mix(state);
}

void waste(Instant microseconds) {
  const timespec time{0, static_cast<long>(microseconds) * 1'000};
  nanosleep(&time, nullptr);
}

void spin(Instant microseconds) {
  const Instant end = now() + microseconds;
  while (now() < end) {
  }
}

}  // namespace

void stress_point() {
  static const Seed seed;
  if (!seed.set) return;
  const int error = errno;
  const std::uint64_t number = next_random(seed.value);
  const auto amount = static_cast<Instant>(number >> 40);
  switch (number % 256) {
    case 0:
      waste(amount % 200 + 1);
      break;
    case 1:
    case 2:
    case 3:
      spin(amount % 20 + 1);
      break;
    default:
      if (number % 256 < 20) sched_yield();
  }
  errno = error;
}

}  // namespace tonio::base

#endif
