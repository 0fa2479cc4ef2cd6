#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "scheduler/scheduler.h"
#include "support/fake_runtime.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

namespace {

// Until the workers are idle; what they have done by then.
std::uint64_t wait_for_steps(scheduler::Scheduler& scheduler) {
  for (;;) {
    if (const auto steps = scheduler.idle_steps()) return *steps;
    std::this_thread::yield();
  }
}

}  // namespace

TEST_CASE(
    "the steps of idle workers grow with each task that runs, and are not "
    "given while one does") {
  for (const unsigned workers : {1u, 2u, 8u}) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    CHECK(!scheduler.idle_steps());  // not started
    REQUIRE(scheduler.start(workers));
    std::uint64_t before = wait_for_steps(scheduler);
    CHECK(scheduler.idle_steps() == before);
    for (int i = 0; i < test::rounds(200); ++i) {
      test::Countdown running, go_on, ended;
      test::StepTask task(
          scheduler,
          [&](test::StepTask&) {
            running.count_down();
            go_on.wait();
            return Next::kDone;
          },
          &ended);
      if (i % 2) {
        driver.post(task);
      } else {
        scheduler.spawn(task);
        // It waits in a queue or runs from here on.
        CHECK(!scheduler.idle_steps());
      }
      running.wait();
      CHECK(!scheduler.idle_steps());
      go_on.count_down();
      ended.wait();
      const std::uint64_t after = wait_for_steps(scheduler);
      CHECK(after > before);
      before = after;
    }
    CHECK(scheduler.stop(base::kNever));
  }
}

TEST_CASE(
    "the last worker that parks reports it once for each time that it was "
    "asked") {
  for (const unsigned workers : {1u, 2u, 8u}) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(workers));
    wait_for_steps(scheduler);
    CHECK(hooks.idle_reports == 0);  // nobody has asked
    for (int i = 1; i <= test::rounds(200); ++i) {
      test::Countdown running, asked, ended;
      test::StepTask task(
          scheduler,
          [&](test::StepTask& self) {
            running.count_down();
            asked.wait();
            return self.stage++ < i % 4 ? Next::kGiveWay : Next::kDone;
          },
          &ended);
      scheduler.spawn(task);
      running.wait();
      scheduler.report_idle();
      // The task holds a worker, so whatever the others do nobody is the last.
      CHECK(scheduler.reports_idle());
      CHECK(hooks.idle_reports == i - 1);
      asked.count_down();
      ended.wait();
      while (scheduler.reports_idle()) std::this_thread::yield();
      while (hooks.idle_reports < i) std::this_thread::yield();
      wait_for_steps(scheduler);
    }
    CHECK(scheduler.stop(base::kNever));
    CHECK(hooks.idle_reports == test::rounds(200));
  }
}

// The worker that is woken for a task counts as one that looks for work, so that nobody else
// is woken; then a finalizer that waits for the task keeps it.
TEST_CASE("a task that a worker is woken for doesn't wait until that has run finalizers") {
  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler(driver, hooks);
  REQUIRE(scheduler.start(2));
  for (int i = 0; i < test::rounds(200); ++i) {
    wait_for_steps(scheduler);
    test::Countdown ended, finalized;
    test::StepTask task(
        scheduler, [](test::StepTask&) { return Next::kDone; }, &ended);
    const std::function<void()> finalizer = [&] {
      ended.wait();
      finalized.count_down();
    };
    hooks.to_settle = &finalizer;
    if (i % 2) {
      driver.post(task);
    } else {
      scheduler.spawn(task);
    }
    finalized.wait();
  }
  CHECK(scheduler.stop(base::kNever));
}
