// What tests wait for: so many things have happened. A wait that takes longer
// than any working program needs ends the test program, with the place.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <source_location>

namespace tonio::test {

class Countdown {
 public:
  explicit Countdown(long count = 1) : left_(count) {}

  void count_down(long by = 1) {
    std::lock_guard lock(mutex_);
    left_ -= by;
    if (left_ <= 0) reached_.notify_all();
  }

  void wait(std::source_location where = std::source_location::current()) {
    std::unique_lock lock(mutex_);
    if (!reached_.wait_for(lock, std::chrono::seconds(60), [&] { return left_ <= 0; })) {
      std::fprintf(stderr, "%s:%u: waited too long, %ld left\n", where.file_name(), where.line(),
                   left_);
      std::abort();
    }
  }

  bool reached() {
    std::lock_guard lock(mutex_);
    return left_ <= 0;
  }

 private:
  std::mutex mutex_;
  std::condition_variable reached_;
  long left_;
};

}  // namespace tonio::test
