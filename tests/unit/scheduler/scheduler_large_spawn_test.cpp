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
      scheduler.spawn_large(
          *new test::RangeTask(scheduler, number * leaves, (number + 1) * leaves, leaf, ended));
    };
    scheduler.spawn_large(*new test::RangeTask(scheduler, 0, kBranches, branch, ended));
    ended.wait();
    test::RangeTask::wait_for_all();
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
  int first = 0;
  int last = 0;
  const auto visit = [&](int number) { (number == 0 ? first : last) = steps; };
  scheduler.spawn_large(*new test::RangeTask(scheduler, 0, count, visit, ended));
  ended.wait();
  CHECK(last > first);
  over = true;
  givers.wait();
  CHECK(scheduler.stop(base::kNever));
}

TEST_CASE("what is left of a large spawn when the workers stop goes to the next ones") {
  bool something_was_left = false;
  for (int round = 0; round < 20; ++round) {
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
    something_was_left = something_was_left || visited < count;
    REQUIRE(scheduler.start(2));
    ended.wait();
    test::RangeTask::wait_for_all();
    CHECK(visited == count);
    CHECK(scheduler.stop(base::kNever));
  }
  CHECK(something_was_left);
}

// It can be the last two numbers of a part, in its only turn.
TEST_CASE("a first step that waits for the next one's does not keep it from a colleague") {
  for (int round = 0; round < test::rounds(200); ++round) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(3));
    test::Countdown ended(2);
    test::Countdown met[2];
    const auto meet = [&](int number) {
      met[number].count_down();
      met[1 - number].wait();
    };
    test::Countdown spawned;
    test::StepTask spawner(
        scheduler,
        [&](auto&) {
          scheduler.spawn_large(*new test::RangeTask(scheduler, 0, 2, meet, ended));
          return Next::kDone;
        },
        &spawned);
    scheduler.spawn(spawner);
    spawned.wait();
    ended.wait();
    test::RangeTask::wait_for_all();
    CHECK(scheduler.stop(base::kNever));
  }
}
