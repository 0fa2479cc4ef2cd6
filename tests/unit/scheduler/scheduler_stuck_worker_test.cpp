#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <optional>

#include "scheduler/scheduler.h"
#include "support/fake_runtime.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

namespace {

// A scheduler, and a task that stays in one step until the test lets it go.
struct Stuck {
  explicit Stuck(unsigned workers) : scheduler(driver, hooks) { REQUIRE(scheduler.start(workers)); }
  ~Stuck() {
    go.count_down();
    ended.wait();
    CHECK(scheduler.stop(base::kNever));
  }

  // The step does `before` and then gets stuck.
  test::StepTask::Step step(std::function<void()> before = [] {}) {
    return [this, before](test::StepTask&) {
      before();
      entered.count_down();
      go.wait();
      return Next::kDone;
    };
  }

  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler;
  test::Countdown entered, go, ended;
};

const auto end_at_once = [](test::StepTask&) { return Next::kDone; };

}  // namespace

TEST_CASE("the queue of a worker that is stuck in a step is taken over") {
  for (const unsigned workers : {2u, 4u}) {
    const int count = 20;
    test::Countdown rest(count);
    std::deque<test::StepTask> tasks;
    Stuck stuck(workers);
    for (int i = 0; i < count; ++i) tasks.emplace_back(stuck.scheduler, end_at_once, &rest);
    test::StepTask task(stuck.scheduler, stuck.step([&] {
      for (auto& other : tasks) stuck.scheduler.spawn(other);
    }),
                        &stuck.ended);
    stuck.scheduler.spawn(task);
    rest.wait();
    CHECK(!stuck.ended.reached());
    stuck.go.count_down();
    stuck.ended.wait();
  }
}

// Whoever polled when the step began: nobody ran then, so the poll has no end.
TEST_CASE("the task in the LIFO slot of a stuck worker is taken over") {
  for (const unsigned workers : {2u, 3u, 8u}) {
    for (int i = 0; i < test::rounds(30); ++i) {
      test::Countdown woken_ended;
      std::optional<test::StepTask> woken, task;
      Stuck stuck(workers);
      woken.emplace(stuck.scheduler, end_at_once, &woken_ended);
      task.emplace(stuck.scheduler, stuck.step([&] { stuck.scheduler.wake(*woken); }),
                   &stuck.ended);
      if (i % 2) stuck.driver.wait_until_idle();
      stuck.scheduler.spawn(*task);
      woken_ended.wait();
      stuck.go.count_down();
      stuck.ended.wait();
    }
  }
}

TEST_CASE("the driver that a stuck worker has left is taken over") {
  for (const unsigned workers : {2u, 3u, 8u}) {
    for (int i = 0; i < test::rounds(30); ++i) {
      test::Countdown posted_ended;
      std::optional<test::StepTask> posted, task;
      Stuck stuck(workers);
      posted.emplace(stuck.scheduler, end_at_once, &posted_ended);
      task.emplace(stuck.scheduler, stuck.step(), &stuck.ended);
      stuck.driver.wait_until_idle();
      stuck.driver.post(*task);  // so that the poller runs it
      stuck.entered.wait();
      stuck.driver.post(*posted);
      posted_ended.wait();
      stuck.go.count_down();
      stuck.ended.wait();
    }
  }
}

TEST_CASE(
    "the driver is taken over when several workers are stuck, as long as one "
    "sleeps") {
  for (int i = 0; i < test::rounds(20); ++i) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(4));
    test::Countdown entered(3), go, ended(3), posted_ended;
    std::deque<test::StepTask> tasks;
    for (int k = 0; k < 3; ++k) {
      tasks.emplace_back(
          scheduler,
          [&](test::StepTask&) {
            entered.count_down();
            go.wait();
            return Next::kDone;
          },
          &ended);
      if (k == 1) {
        driver.post(tasks.back());
      } else {
        scheduler.spawn(tasks.back());
      }
    }
    entered.wait();
    test::StepTask posted(scheduler, end_at_once, &posted_ended);
    driver.post(posted);
    posted_ended.wait();
    go.count_down();
    ended.wait();
    CHECK(scheduler.stop(base::kNever));
  }
}
