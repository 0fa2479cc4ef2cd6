// Suspending without a scheduler: the thread that calls it is the task's
// worker, and gets the task back from the waker as from a run queue.
#pragma once

#include <thread>

#include "support/step_task.h"

namespace tonio::test {

// Of StepTasks.
class HandBackWaker final : public task::Waker {
 public:
  void wake(task::Task& task) override { static_cast<StepTask&>(task).resumed = true; }
};

// For a task that is armed and in line: lets go of it and waits until it is
// woken. Gives the reason.
inline task::WakeReason until_resumed(StepTask& task) {
  task.resumed = false;
  if (task.state().finish_arming()) {
    while (!task.resumed) std::this_thread::yield();
  }
  return task.state().reason();
}

}  // namespace tonio::test
