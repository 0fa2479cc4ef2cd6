// A large spawn without coroutines: visits each number of a range, a few per turn.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "scheduler/scheduler.h"
#include "support/countdown.h"
#include "task/task.h"

namespace tonio::test {

// Deletes itself at its end, as its parts do. One may outlive the visit of the last number, which a
// part has made.
class RangeTask final : public task::Task {
 public:
  static constexpr int kPerTurn = 3;
  using Visit = std::function<void(int)>;

  // `ended` is counted down for each number that has been visited.
  RangeTask(task::Waker& waker, int begin, int end, Visit visit, Countdown& ended)
      : Task(waker), waker_(waker), range_({begin, end}), visit_(std::move(visit)), ended_(ended) {
    state().begin();
    ++alive_;
  }
  ~RangeTask() override {
    --alive_;
    alive_.notify_all();
  }

  // Until all have ended that there are.
  static void wait_for_all() {
    for (int alive; (alive = alive_) > 0;) alive_.wait(alive);
  }

  // For tests without a scheduler: its backlog has to forget it.
  void before_deletion(std::function<void()> forget) { forget_ = std::move(forget); }

  int size() const {
    const Range range = range_.load();
    return range.end - range.begin;
  }

  Outcome run() override {
    scheduler::Worker* worker = scheduler::Scheduler::current();
    if (worker && !worker->is_on_turn(*this)) return Outcome::kToBacklog;
    Countdown& ended = ended_;
    int visited = 0;
    for (Range range = range_.load(); visited < kPerTurn && range.begin < range.end;) {
      if (!range_.compare_exchange_weak(range, {range.begin + 1, range.end})) continue;
      visit_(range.begin);
      ++visited;
      range = range_.load();
    }
    const Outcome outcome = size() > 0 ? Outcome::kToBacklog : Outcome::kGone;
    if (outcome == Outcome::kGone) {
      if (worker) worker->end_turn();
      if (forget_) forget_();
      delete this;
    }
    // The test may be over with the last one.
    ended.count_down(visited);
    return outcome;
  }

  Task* split() override {
    Range range = range_.load();
    for (;;) {
      if (range.begin == range.end) return nullptr;
      const int middle = range.begin + (range.end - range.begin) / 2;
      if (range_.compare_exchange_weak(range, {range.begin, middle})) {
        return new RangeTask(waker_, middle, range.end, visit_, ended_);
      }
    }
  }

 private:
  struct Range {
    std::int32_t begin;
    std::int32_t end;
  };

  task::Waker& waker_;
  std::atomic<Range> range_;
  const Visit visit_;
  Countdown& ended_;
  std::function<void()> forget_;

  static inline std::atomic<int> alive_{0};
};

}  // namespace tonio::test
