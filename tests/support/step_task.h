// A task whose steps are a function of the test, and wakers to go with it.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include "support/countdown.h"
#include "task/task.h"

namespace tonio::test {

// Collects who was woken, for tests without a scheduler.
class RecordingWaker final : public task::Waker {
 public:
  void wake(task::Task& task) override {
    last = &task;
    count.fetch_add(1);
  }

  std::atomic<task::Task*> last{nullptr};
  std::atomic<int> count{0};
};

class StepTask : public task::Task {
 public:
  enum class Next {
    kDone,
    kGiveWay,
    kWait,  // the step has begun to arm and stands on some waker's list
  };
  using Step = std::function<Next(StepTask&)>;

  // `ended` is counted down when the task has ended and is no longer touched.
  StepTask(task::Waker& waker, Step step, Countdown* ended = nullptr)
      : Task(waker), step_(std::move(step)), ended_(ended) {
    state().begin();
  }
  // A task that is only claimed, never run.
  explicit StepTask(task::Waker& waker) : StepTask(waker, nullptr) {}

  Outcome run() override {
    for (;;) {
      switch (step_(*this)) {
        case Next::kDone: {
          Countdown* ended = ended_;
          state().end();
          if (ended) ended->count_down();
          return Outcome::kGone;
        }
        case Next::kGiveWay:
          return Outcome::kGaveWay;
        case Next::kWait:
          if (state().finish_arming()) return Outcome::kGone;
          break;
      }
    }
  }

  // For the steps' own use.
  int stage = 0;
  // For tests that resume tasks without a scheduler: set by the last who
  // touches the task on its way back to the test.
  std::atomic<bool> resumed{false};

 private:
  const Step step_;
  Countdown* const ended_;
};

// Brings a task to where it waits, without a worker.
inline bool suspend(task::Task& task) {
  return task.state().begin_arming() && task.state().finish_arming();
}

}  // namespace tonio::test
