// What is left of a process that leaves without what did not stop, for the last thing it does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>

#include "base/thread.h"

namespace tonio::launcher {

// Ends the process, and names `what`, where that has not come to its end within the time: nothing
// else limits it any more. What it has printed and not flushed is lost then. `exit_code` is asked
// at that time, on another thread, which has no thread state.
class LastDeadline {
 public:
  LastDeadline(std::chrono::milliseconds time, std::function<int()> exit_code, const char* what);
  ~LastDeadline();
  LastDeadline(const LastDeadline&) = delete;
  LastDeadline& operator=(const LastDeadline&) = delete;

 private:
  struct Shared;

  const pid_t process_;
  // A forked child leaves it alone: its thread, which waits for this, is the parent's.
  Shared* const shared_;
  base::Thread thread_;
};

}  // namespace tonio::launcher
