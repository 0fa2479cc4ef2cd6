#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <deque>

#include "scheduler/scheduler.h"
#include "support/fake_runtime.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

TEST_CASE("workers stop and start again in other numbers, and no task is lost") {
  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler(driver, hooks);
  std::atomic<bool> finish{false};
  const int count = 500;
  test::Countdown ended(count);
  std::deque<test::StepTask> tasks;
  const auto step = [&](test::StepTask& task) {
    if (finish) return Next::kDone;
    ++task.stage;
    if (task.stage % 3 != 0) return Next::kGiveWay;
    // Through the LIFO slot.
    if (!task.state().begin_arming()) std::abort();
    if (task.state().claim(task::WakeReason::kCompleted) != task::Claim::kInPlace) std::abort();
    return Next::kWait;
  };
  for (int i = 0; i < count; ++i) tasks.emplace_back(scheduler, step, &ended);
  for (auto& task : tasks) scheduler.spawn(task);
  unsigned workers = 1;
  for (int i = 0; i < test::rounds(60); ++i) {
    REQUIRE(scheduler.start(workers));
    CHECK(scheduler.workers() == workers);
    CHECK(hooks.states == static_cast<int>(workers));
    test::Countdown another;
    test::StepTask task(
        scheduler, [](auto&) { return Next::kDone; }, &another);
    scheduler.spawn(task);
    if (i % 2) another.wait();
    CHECK(scheduler.stop(base::kNever));  // while all are busy
    CHECK(scheduler.stop(base::kNever));  // nothing happens
    CHECK(hooks.states == 0);
    if (!another.reached()) {
      REQUIRE(scheduler.start(1));
      another.wait();
      CHECK(scheduler.stop(base::kNever));
    }
    workers = workers * 7 % 17 + 1;
  }
  finish = true;
  REQUIRE(scheduler.start(2));
  ended.wait();
  CHECK(scheduler.stop(base::kNever));
}

TEST_CASE("idle workers stop at once, 1 to 64 of them") {
  for (int i = 0; i < test::rounds(30); ++i) {
    for (const unsigned workers : {1u, 2u, 4u, 8u, 64u}) {
      test::FakeHooks hooks;
      test::FakeDriver driver;
      scheduler::Scheduler scheduler(driver, hooks);
      REQUIRE(scheduler.start(workers));
      if (i % 2) driver.wait_until_idle();
      CHECK(scheduler.stop(base::kNever));
    }
  }
}

TEST_CASE("a stop gives up on a worker that is stuck in a step") {
  // It must be left as it is.
  auto* hooks = new test::FakeHooks;
  auto* driver = new test::FakeDriver;
  auto* scheduler = new scheduler::Scheduler(*driver, *hooks);
  static test::Countdown entered, go, ended;
  REQUIRE(scheduler->start(2));
  auto* task = new test::StepTask(
      *scheduler,
      [](test::StepTask&) {
        entered.count_down();
        go.wait();
        return Next::kDone;
      },
      &ended);
  scheduler->spawn(*task);
  entered.wait();
  CHECK(!scheduler->stop(base::now() + 2'000));
  go.count_down();
  ended.wait();
  // Reachable for leak checkers.
  static void* left[] = {hooks, driver, scheduler, task};
  CHECK(left[0] != nullptr);
}

TEST_CASE("a start that can't make a worker's state leaves nothing running") {
  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler(driver, hooks);
  hooks.prepares_left = 2;
  CHECK_THROWS_AS((void)scheduler.start(4), std::bad_alloc);
  CHECK(hooks.states == 0);
  hooks.prepares_left = -1;
  REQUIRE(scheduler.start(2));
  CHECK(scheduler.stop(base::kNever));
}
