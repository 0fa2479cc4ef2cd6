#include "last_deadline.h"

#include <unistd.h>

#include <cstdio>
#include <system_error>
#include <utility>

namespace tonio::launcher {

LastDeadline::LastDeadline(std::chrono::milliseconds time, int exit_code, const char* what)
    : process_(getpid()) {
  try {
    thread_ = base::start_thread("tonio-leave", [this, time, exit_code, what] {
      std::unique_lock lock(mutex_);
      if (over_.wait_for(lock, time, [this] { return is_over_; })) {
        return;
      }
      std::fprintf(stderr, "tonio: leaving without %s that didn't stop in time\n", what);
      _exit(exit_code);
    });
  } catch (const std::system_error&) {
    // No thread is to be had: it goes without.
  }
}

LastDeadline::~LastDeadline() {
  if (!thread_.joinable()) {
    return;
  }
  if (getpid() != process_) {
    new base::Thread(std::move(thread_));  // for ever: it is the parent's
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  over_.notify_one();
  thread_.join();
}

}  // namespace tonio::launcher
