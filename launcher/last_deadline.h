// What is left of a process that leaves without what did not stop, for the last thing it does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/thread.h"

namespace tonio::launcher {

// Ends the process with `exit_code`, and names `what`, where that has not come to its end within
// the time: nothing else limits it any more.
class LastDeadline {
 public:
  LastDeadline(std::chrono::milliseconds time, int exit_code, const char* what);
  ~LastDeadline();
  LastDeadline(const LastDeadline&) = delete;
  LastDeadline& operator=(const LastDeadline&) = delete;

 private:
  const pid_t process_;  // a forked child has not got the thread
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;  // guarded by mutex_
  base::Thread thread_;
};

}  // namespace tonio::launcher
