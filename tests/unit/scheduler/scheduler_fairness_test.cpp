#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "scheduler/scheduler.h"
#include "support/fake_runtime.h"
#include "support/step_task.h"

using namespace tonio;
using Next = test::StepTask::Next;

namespace {

// Two tasks that wake each other until they are told to stop.
struct PingPong {
  explicit PingPong(scheduler::Scheduler& s)
      : ended(2),
        ping(
            s, [this](test::StepTask& me) { return turn(me, pong); }, &ended),
        pong(
            s, [this](test::StepTask& me) { return turn(me, ping); }, &ended) {}

  Next turn(test::StepTask& me, test::StepTask& other) {
    ++turns;
    // The test cancels them, too, once they are to stop.
    const bool last = stop || !me.state().begin_arming();
    if (other.state().claim(task::WakeReason::kCompleted) == task::Claim::kSchedule) other.wake();
    return last ? Next::kDone : Next::kWait;
  }

  void end() {
    stop = true;
    // The one that ends first leaves its partner asleep, perhaps.
    while (!ended.reached()) {
      ping.cancel();
      pong.cancel();
      std::this_thread::yield();
    }
  }

  test::Countdown ended;
  std::atomic<bool> stop{false};
  std::atomic<long> turns{0};
  test::StepTask ping, pong;
};

// A step of which 61 take longer than the time between two looks at the driver.
Next work() {
  const base::Instant until = base::now() + 5;
  while (base::now() < until) {
  }
  return Next::kDone;
}

// One worker, and tasks that one poll gives it.
struct OneWorker {
  using Tasks = std::deque<test::StepTask>;

  explicit OneWorker(int tasks) : ended(tasks + 1) { REQUIRE(scheduler.start(1)); }
  ~OneWorker() { CHECK(scheduler.stop(base::kNever)); }

  void add(Tasks& tasks, test::StepTask::Step step) {
    tasks.emplace_back(scheduler, std::move(step), &ended);
  }

  // Either may be null. Until all tasks have ended.
  void run(Tasks* found, Tasks* due) {
    // In a step, so that the worker does not poll meanwhile.
    test::StepTask begin(
        scheduler,
        [&](test::StepTask&) {
          if (found)
            for (test::StepTask& task : *found) driver.post(task);
          if (due)
            for (test::StepTask& task : *due) driver.fire(task);
          return Next::kDone;
        },
        &ended);
    scheduler.spawn(begin);
    ended.wait();
  }

  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler{driver, hooks};
  test::Countdown ended;
};

}  // namespace

TEST_CASE(
    "two tasks that wake each other starve neither a queued task nor the "
    "driver") {
  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler(driver, hooks);
  REQUIRE(scheduler.start(1));
  PingPong pair(scheduler);
  scheduler.spawn(pair.ping);
  scheduler.spawn(pair.pong);
  for (int i = 0; i < 20; ++i) {
    test::Countdown spawned(1), inside(1), posted(1);
    // Queued locally, from outside, and by the driver.
    test::StepTask local(
        scheduler, [](auto&) { return Next::kDone; }, &inside);
    test::StepTask outside(
        scheduler,
        [&](test::StepTask&) {
          scheduler.spawn(local);
          return Next::kDone;
        },
        &spawned);
    test::StepTask ready(
        scheduler, [](auto&) { return Next::kDone; }, &posted);
    scheduler.spawn(outside);
    spawned.wait();
    inside.wait();
    driver.post(ready);
    posted.wait();
  }
  const long turns = pair.turns;
  CHECK(turns > 0);
  pair.end();
  CHECK(scheduler.stop(base::kNever));
}

TEST_CASE("what a poll has found runs before the next one, and timers fire meanwhile") {
  constexpr int kFound = 200;
  OneWorker one(kFound + 1);
  test::StepTask timer(
      one.scheduler, [](auto&) { return Next::kDone; }, &one.ended);
  // Here and below, what steps share only the worker touches.
  long polls_before = 0, polls_after = 0, looks_before = 0, looks_after = 0;
  OneWorker::Tasks found;
  for (int i = 0; i < kFound; ++i) {
    one.add(found, [&, i](test::StepTask&) {
      if (i == 0) {
        polls_before = one.driver.polls();
        looks_before = one.driver.timer_looks();
        one.driver.fire(timer);
      }
      polls_after = one.driver.polls();
      looks_after = one.driver.timer_looks();
      return work();
    });
  }
  one.run(&found, nullptr);
  CHECK(polls_after == polls_before);
  CHECK(looks_after > looks_before);
}

TEST_CASE("tasks that give way take turns, more than the queue holds, too") {
  constexpr int kTasks = 600, kTurns = 20;
  OneWorker one(kTasks);
  int turns = 0, most_ahead = 0;
  OneWorker::Tasks tasks;
  for (int i = 0; i < kTasks; ++i) {
    one.add(tasks, [&, mine = 0](test::StepTask&) mutable {
      most_ahead = std::max(most_ahead, ++mine - ++turns / kTasks);
      return mine < kTurns ? Next::kGiveWay : Next::kDone;
    });
  }
  one.run(&tasks, nullptr);
  CHECK(most_ahead <= 2);
}

TEST_CASE("tasks that give way have their share beside pairs, after an overflow, too") {
  constexpr int kPairs = 20, kYielders = 60, kBurst = 400;
  constexpr long kSteps = 20'000;
  OneWorker one(kYielders + kBurst);
  std::deque<PingPong> pairs;
  const auto turns_of_pairs = [&] {
    long turns = 0;
    for (const PingPong& pair : pairs) turns += pair.turns;
    return turns;
  };
  int burst_left = kBurst;
  long turns_before = 0, turns = 0, yields = 0;
  OneWorker::Tasks tasks;
  for (int i = 0; i < kBurst; ++i) {
    one.add(tasks, [&, left = 3](test::StepTask&) mutable {
      if (--left > 0) return Next::kGiveWay;
      if (--burst_left == 0) turns_before = turns_of_pairs();
      return Next::kDone;
    });
  }
  for (int i = 0; i < kYielders; ++i) {
    one.add(tasks, [&](test::StepTask&) {
      if (burst_left > 0) return Next::kGiveWay;
      if (yields + turns >= kSteps) return Next::kDone;
      ++yields;
      turns = turns_of_pairs() - turns_before;
      return Next::kGiveWay;
    });
  }
  for (int i = 0; i < kPairs; ++i) pairs.emplace_back(one.scheduler);
  for (PingPong& pair : pairs) {
    one.scheduler.spawn(pair.ping);
    one.scheduler.spawn(pair.pong);
  }
  one.run(&tasks, nullptr);
  CHECK(4 * yields > kSteps);
  for (PingPong& pair : pairs) pair.end();
}

TEST_CASE("timers that are due wake their tasks in order, more than the queue holds, too") {
  constexpr int kTimers = 600;
  OneWorker one(kTimers + 1);
  int ran = 0, before_late = 0;
  test::StepTask late(
      one.scheduler,
      [&](test::StepTask&) {
        before_late = ran;
        return Next::kDone;
      },
      &one.ended);
  OneWorker::Tasks timers;
  for (int i = 0; i < kTimers; ++i) {
    one.add(timers, [&](test::StepTask&) {
      if (ran++ == 0) one.driver.fire(late);
      return work();
    });
  }
  one.run(nullptr, &timers);
  CHECK(before_late == kTimers);
}

TEST_CASE("the earliest timer does not become the last one when a poll finds much") {
  constexpr int kFound = 400, kTimers = 300;
  OneWorker one(kFound + kTimers);
  int ran = 0, before_earliest = 0;
  OneWorker::Tasks found, timers;
  for (int i = 0; i < kFound; ++i) {
    one.add(found, [](test::StepTask&) { return work(); });
  }
  for (int i = 0; i < kTimers; ++i) {
    one.add(timers, [&, i](test::StepTask&) {
      if (i == 0) before_earliest = ran;
      ++ran;
      return work();
    });
  }
  one.run(&found, &timers);
  // A few where the queue holds four.
  CHECK(before_earliest < 50);
}

TEST_CASE("timers that a poll has fired don't hold off the next one") {
  constexpr int kTimers = 200;
  OneWorker one(kTimers);
  long polls_before = 0, polls_after = 0;
  OneWorker::Tasks timers;
  for (int i = 0; i < kTimers; ++i) {
    one.add(timers, [&, i](test::StepTask&) {
      if (i == 0) polls_before = one.driver.polls();
      polls_after = one.driver.polls();
      return work();
    });
  }
  one.run(nullptr, &timers);
  CHECK(polls_after > polls_before);
}

TEST_CASE(
    "a task that gives way for ever starves neither its colleagues nor the "
    "driver") {
  for (const unsigned workers : {1u, 2u}) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(workers));
    std::atomic<bool> stop{false};
    // More than a local queue holds, where that is small (TONIO_SMALL_QUEUES).
    constexpr int kHogs = 12;
    test::Countdown hogs_begun(kHogs), hogs_ended(kHogs);
    const auto hog = [&](test::StepTask&) { return stop ? Next::kDone : Next::kGiveWay; };
    std::deque<test::StepTask> hogs;
    for (int i = 0; i < kHogs; ++i) {
      const auto step = [&, begun = false](test::StepTask& me) mutable {
        if (!std::exchange(begun, true)) hogs_begun.count_down();
        return hog(me);
      };
      scheduler.spawn(hogs.emplace_back(scheduler, step, &hogs_ended));
    }
    hogs_begun.wait();
    for (int i = 0; i < 50; ++i) {
      test::Countdown ended(2);
      test::StepTask outside(
          scheduler, [](auto&) { return Next::kDone; }, &ended);
      test::StepTask ready(
          scheduler, [](auto&) { return Next::kDone; }, &ended);
      scheduler.spawn(outside);
      driver.post(ready);
      ended.wait();
    }
    stop = true;
    hogs_ended.wait();
    CHECK(scheduler.stop(base::kNever));
  }
}
