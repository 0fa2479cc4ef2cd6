// Waiting without a scheduler: the thread that calls it is the task's worker.
#pragma once

#include <thread>

#include "task/task.h"

namespace tonio::test {

// For a task that is armed and in line: lets go of it and waits until a waker has
// claimed it. Gives the reason.
inline task::WakeReason until_claimed(task::Task& task) {
  if (task.state().finish_arming()) {
    while (task.state().suspended()) std::this_thread::yield();
  }
  return task.state().reason();
}

}  // namespace tonio::test
