#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <vector>

#include "scheduler/scheduler.h"
#include "support/countdown.h"
#include "support/fake_runtime.h"
#include "support/range_task.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

TEST_CASE("each number of large spawns from outside and within others is visited once") {
  for (const unsigned workers : {1u, 2u, 4u, 8u, 64u}) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(workers));
    constexpr int kBranches = 50;
    const int leaves = test::rounds(1'000);
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(kBranches * leaves));
    test::Countdown ended(kBranches + long{kBranches} * leaves);
    const auto leaf = [&](int number) { ++visits[static_cast<std::size_t>(number)]; };
    const auto branch = [&](int number) {
      scheduler.spawn_large(*new test::RangeTask(scheduler, number * leaves,
                                                 (number + 1) * leaves, leaf, ended));
    };
    scheduler.spawn_large(*new test::RangeTask(scheduler, 0, kBranches, branch, ended));
    ended.wait();
    CHECK(scheduler.stop(base::kNever));
    bool once = true;
    for (const auto& number : visits) once = once && number == 1;
    CHECK(once);
  }
}

TEST_CASE("a large spawn goes on beside tasks that are always ready, and they beside it") {
  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler(driver, hooks);
  REQUIRE(scheduler.start(1));
  std::atomic<bool> over{false};
  std::atomic<int> steps{0};
  test::Countdown givers(2);
  std::deque<test::StepTask> ready;
  const auto give_way = [&](test::StepTask&) {
    ++steps;
    return over ? Next::kDone : Next::kGiveWay;
  };
  for (int i = 0; i < 2; ++i) scheduler.spawn(ready.emplace_back(scheduler, give_way, &givers));
  const int count = test::rounds(300);
  test::Countdown ended(count);
  const int before = steps;
  scheduler.spawn_large(*new test::RangeTask(scheduler, 0, count, [](int) {}, ended));
  ended.wait();
  CHECK(steps > before);
  over = true;
  givers.wait();
  CHECK(scheduler.stop(base::kNever));
}

TEST_CASE("what is left of a large spawn when the workers stop goes to the next ones") {
  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler(driver, hooks);
  REQUIRE(scheduler.start(2));
  const int count = 60'000;
  std::atomic<int> visited{0};
  test::Countdown begun(1);
  test::Countdown ended(count);
  const auto visit = [&](int) {
    if (visited.fetch_add(1) == 0) begun.count_down();
  };
  scheduler.spawn_large(*new test::RangeTask(scheduler, 0, count, visit, ended));
  begun.wait();
  CHECK(scheduler.stop(base::kNever));
  REQUIRE(scheduler.start(2));
  ended.wait();
  CHECK(visited == count);
  CHECK(scheduler.stop(base::kNever));
}
