// An open reactor that the test polls itself, and tasks that wait for it. Such
// a task is the test's again once it is `resumed`.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "base/check.h"
#include "reactor/reactor.h"
#include "reactor/registration.h"
#include "support/step_task.h"

namespace tonio::test {

class ResumingWaker final : public task::Waker {
 public:
  void wake(task::Task& task) override {
    last = &task;
    ++count;
    static_cast<StepTask&>(task).resumed = true;
  }

  std::atomic<task::Task*> last{nullptr};
  std::atomic<int> count{0};
};

class PolledReactor {
 public:
  PolledReactor() {
    std::string error;
    TONIO_CHECK(reactor.open(error));
  }
  ~PolledReactor() { reactor.close(); }

  // Polls once and tells how many tasks came.
  std::size_t poll(base::Instant deadline = 0) {
    task::TaskList ready;
    reactor.poll(deadline, ready);
    reactor.fire_timers(SIZE_MAX, ready);
    const std::size_t count = ready.size();
    while (task::Task* task = ready.pop_front()) static_cast<StepTask*>(task)->resumed = true;
    return count;
  }

  ResumingWaker waker;
  reactor::Reactor reactor;
};

// Suspends `task` until the descriptor is ready. False when it can't wait.
inline bool wait_for(StepTask& task, reactor::Registration& registration,
                     reactor::Interest interest) {
  task.resumed = false;
  TONIO_CHECK(task.state().begin_arming());
  if (registration.wait(interest, task.waiter()) != 0) {
    (void)task.state().cancel_arming();
    return false;
  }
  return task.state().finish_arming();
}

inline void until_resumed(const StepTask& task) {
  while (!task.resumed) std::this_thread::yield();
}

}  // namespace tonio::test
