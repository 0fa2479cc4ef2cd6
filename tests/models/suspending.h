// A task whose worker is the model's thread: it suspends by sleeping, and gets the task
// back from the waker as from a run queue.
#pragma once

#include "model.h"
#include "task/task.h"

namespace tonio::model {

class SuspendingTask final : public task::Task, private task::Waker {
 public:
  SuspendingTask() : Task(static_cast<task::Waker&>(*this)) { state().begin(); }
  ~SuspendingTask() { state().end(); }

  // Armed and in line: lets go of the task, until it is woken. Gives the reason.
  task::WakeReason suspend() {
    stack_.touch("a task has one owner at a time");
    ++suspensions_;
    if (state().finish_arming()) {
      while (wakes_.load(std::memory_order_acquire) == wakes_taken_) {
        base::futex_wait(wakes_, wakes_taken_);
      }
      ++wakes_taken_;
    } else {
      ++in_place_;
      not_too_often();
    }
    stack_.touch("a task has one owner at a time");
    return state().reason();
  }

  // At the end: each suspension had one resume.
  void check() {
    require(resumes_ + in_place_ == suspensions_, "exactly one resume per suspension");
    require(!waiter().linked(), "no waiter is left in line");
    const Alone alone("no lock is left behind");
    (void)cancel_target();
  }

  Outcome run() override { return Outcome::kGone; }

 private:
  void wake(task::Task&) override {
    ++resumes_;
    not_too_often();
    // The claimer may run the task at once, so all of it is its own.
    stack_.touch("a task has one owner at a time");
    wakes_.fetch_add(1, std::memory_order_release);
    base::futex_wake(wakes_, 1);
  }

  // The counts are the model's own: its threads are fibers of one.
  void not_too_often() {
    require(resumes_ + in_place_ <= suspensions_, "exactly one resume per suspension");
  }

  Owned stack_;
  base::Atomic<std::uint32_t> wakes_{0};
  std::uint32_t wakes_taken_ = 0, suspensions_ = 0, resumes_ = 0, in_place_ = 0;
};

}  // namespace tonio::model
