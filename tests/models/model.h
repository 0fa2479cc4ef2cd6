// What the models are written with.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/atomic.h"
#include "base/futex.h"
#include "base/thread.h"
#include "explorer.h"

namespace tonio::model {

// A small program whose every run must keep its properties; it states them by require().
struct Scenario {
  const char* name;
  Bounds bounds;  // in the normal run
  Bounds deep;    // with TONIO_STRESS in the environment
  std::function<void()> program;
};

// Of one protocol: each model program defines it.
std::vector<Scenario> scenarios();

inline void require(bool holds, const char* property) {
  if (!holds) Explorer::current().fail(std::string("broken: ") + property);
}

// Plain data that has one owner at a time, who may be another thread's successor: to
// touch it the last access must happen before this one, through the protocol.
class Owned {
 public:
  Owned() : at_(memory().add(0, views())) {}
  void touch(const char* property) { require(memory().own(at_, views()), property); }

 private:
  static Memory& memory() { return Explorer::current().memory(); }
  static ThreadViews& views() { return Explorer::current().views(); }
  Location at_;
};

// Runs the functions on a thread each, until all have ended.
template <typename... Mains>
void parallel(Mains... mains) {
  std::vector<base::Thread> threads;
  (threads.push_back(base::start_thread("", std::move(mains))), ...);
  for (base::Thread& thread : threads) thread.join();
}

// For the end of a scenario: as long as this lives nobody else runs, so what has to be waited
// for would never come, and `property` is broken.
class Alone {
 public:
  explicit Alone(const char* property) {
    Explorer::current().at_rest([property] { require(false, property); });
  }
  ~Alone() { Explorer::current().at_rest(nullptr); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;
};

// What one thread waits for and others set.
class Flag {
 public:
  void set() {
    word_.store(1, std::memory_order_release);
    base::futex_wake(word_, 64);
  }
  void wait() {
    while (word_.load(std::memory_order_acquire) == 0) base::futex_wait(word_, 0);
  }

 private:
  base::Atomic<std::uint32_t> word_{0};
};

}  // namespace tonio::model
