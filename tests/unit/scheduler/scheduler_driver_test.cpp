#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <deque>

#include "scheduler/scheduler.h"
#include "support/fake_runtime.h"
#include "support/parallelize.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

// Readiness, wakes from outside and parking meet; FakeDriver checks that one
// polls at a time, detached.
TEST_CASE(
    "every task that the driver makes ready runs, while others are woken from "
    "outside") {
  for (const unsigned workers : {1u, 2u, 4u, 8u, 64u}) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(workers));
    const int each = test::rounds(1'000);
    test::parallelize(4, [&](int me) {
      for (int i = 0; i < each; ++i) {
        test::Countdown ended;
        std::atomic<bool> attached{false};
        test::StepTask task(
            scheduler,
            [&](test::StepTask& self) {
              attached = test::FakeHooks::attached();
              return self.stage++ < i % 4 ? Next::kGiveWay : Next::kDone;
            },
            &ended);
        if (me % 2) {
          driver.post(task);
        } else {
          scheduler.wake(task);
        }
        ended.wait();
        if (!attached) std::abort();
      }
    });
    CHECK(scheduler.stop(base::kNever));
  }
}

TEST_CASE("a burst of ready tasks is shared among the workers") {
  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler(driver, hooks);
  REQUIRE(scheduler.start(4));
  // Each needs all the others to run at the same time.
  test::Countdown together(4), ended(4);
  std::deque<test::StepTask> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.emplace_back(
        scheduler,
        [&](test::StepTask&) {
          together.count_down();
          together.wait();
          return Next::kDone;
        },
        &ended);
  }
  driver.wait_until_idle();
  for (auto& task : tasks) driver.post(task);
  ended.wait();
  CHECK(scheduler.stop(base::kNever));
}
