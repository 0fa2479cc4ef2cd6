#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <deque>

#include "support/running_runtime.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

namespace {

Next sleep_for(test::RunningRuntime& running, test::StepTask& task, double seconds) {
  if (!task.state().begin_arming()) std::abort();
  running.reactor().add_timer_after(task, seconds);
  return Next::kWait;
}

// Suspends until everything else is at rest.
Next rest(test::RunningRuntime& running, test::StepTask& task) {
  core::ReactorDriver& driver = running.runtime.driver();
  if (!task.state().begin_arming()) std::abort();
  if (!driver.at_rest().wait(task.waiter())) std::abort();
  driver.begin_wait_for_rest();
  return Next::kWait;
}

}  // namespace

TEST_CASE("who waits for rest goes on when all others are suspended, and not before") {
  for (const unsigned workers : {1u, 2u, 8u}) {
    test::RunningRuntime running(workers);
    for (int round = 0; round < test::rounds(50); ++round) {
      constexpr int kCount = 20;
      test::Countdown ended(kCount + 1);
      std::atomic<int> at_work{kCount};
      std::atomic<int> seen{-1};
      std::deque<test::StepTask> tasks;
      for (int i = 0; i < kCount; ++i) {
        tasks.emplace_back(
            running.scheduler(),
            [&, i](test::StepTask& task) {
              if (task.stage++ < i * 10) return Next::kGiveWay;
              --at_work;
              return Next::kDone;
            },
            &ended);
      }
      test::StepTask waits(
          running.scheduler(),
          [&](test::StepTask& task) {
            if (task.stage++ == 0) return rest(running, task);
            running.runtime.driver().end_wait_for_rest();
            seen = at_work.load();
            return Next::kDone;
          },
          &ended);
      task::TaskList all;
      all.push_back(waits);
      for (auto& task : tasks) all.push_back(task);
      running.scheduler().spawn(all);
      ended.wait();
      CHECK(seen == 0);
    }
  }
}

TEST_CASE("a frozen clock that jumps passes hours in no time, each sleeper in its order") {
  for (const unsigned workers : {1u, 2u, 8u}) {
    test::RunningRuntime running(workers);
    running.reactor().freeze_clock();
    const base::Instant start = running.reactor().clock().now();
    running.runtime.driver().jump_after(0);
    constexpr int kTasks = 5, kSleeps = 100;
    test::Countdown ended(kTasks);
    std::atomic<int> wrong{0};
    std::deque<test::StepTask> tasks;
    for (int i = 0; i < kTasks; ++i) {
      tasks.emplace_back(
          running.scheduler(),
          [&, i](test::StepTask& task) {
            const base::Instant expected = start + 60'000'000LL * (i + 1) * task.stage;
            if (running.reactor().clock().now() != expected) ++wrong;
            if (task.stage++ == kSleeps) return Next::kDone;
            return sleep_for(running, task, 60.0 * (i + 1));
          },
          &ended);
    }
    task::TaskList all;
    for (auto& task : tasks) all.push_back(task);
    running.scheduler().spawn(all);
    ended.wait();
    CHECK(wrong == 0);
    CHECK(running.reactor().clock().now() == start + 60'000'000LL * kTasks * kSleeps);
  }
}
