#include "last_deadline.h"

#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <utility>

namespace tonio::launcher {

struct LastDeadline::Shared {
  std::mutex mutex;
  std::condition_variable over;
  bool is_over = false;  // guarded by mutex
};

LastDeadline::LastDeadline(std::chrono::milliseconds time, std::function<int()> exit_code,
                           const char* what)
    : process_(getpid()), shared_(new Shared()) {
  try {
    thread_ = base::start_thread("tonio-leave", [shared = shared_, time, exit_code, what] {
      std::unique_lock lock(shared->mutex);
      if (shared->over.wait_for(lock, time, [shared] { return shared->is_over; })) {
        return;
      }
      // Not by stdio, whose lock the program may hold.
      dprintf(STDERR_FILENO, "tonio: leaving without %s that didn't stop in time\n", what);
      _exit(exit_code());
    });
  } catch (const std::system_error&) {
    // No thread is to be had: it goes without.
  }
}

LastDeadline::~LastDeadline() {
  if (getpid() != process_) {
    if (thread_.joinable()) {
      new base::Thread(std::move(thread_));
    }
    return;
  }
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->is_over = true;
    }
    shared_->over.notify_one();
    thread_.join();
  }
  delete shared_;
}

}  // namespace tonio::launcher
