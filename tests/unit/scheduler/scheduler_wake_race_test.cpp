#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <vector>

#include "scheduler/scheduler.h"
#include "support/fake_runtime.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

// A ring of tasks, each suspended until its neighbour claims it: the tokens
// that go round must never get lost, whoever runs where.
TEST_CASE("tokens that tasks hand on by wakes all arrive") {
  for (const unsigned workers : {1u, 2u, 4u, 8u, 64u}) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(workers));
    constexpr int kTasks = 16, kTokens = 5;
    const int laps = test::rounds(500);
    test::Countdown ended(kTasks);
    struct Seat {
      base::Mutex mutex;
      int tokens = 0;
      bool waiting = false;
    };
    std::vector<Seat> seats(kTasks);
    std::deque<test::StepTask> tasks;
    const auto give = [&](int seat) {
      {
        base::MutexLock lock(seats[seat].mutex);
        ++seats[seat].tokens;
        if (!seats[seat].waiting) return;
        seats[seat].waiting = false;
        if (tasks[seat].state().claim(task::WakeReason::kCompleted) != task::Claim::kSchedule)
          return;
      }
      tasks[seat].wake();
    };
    for (int i = 0; i < kTasks; ++i) {
      tasks.emplace_back(
          scheduler,
          [&, i](test::StepTask& task) {
            {
              base::MutexLock lock(seats[i].mutex);
              if (seats[i].tokens == 0) {
                if (!task.state().begin_arming()) std::abort();
                seats[i].waiting = true;
                return Next::kWait;
              }
              --seats[i].tokens;
            }
            const bool last = ++task.stage == laps * kTokens;
            give((i + 1) % kTasks);
            return last ? Next::kDone : Next::kGiveWay;
          },
          &ended);
    }
    for (auto& task : tasks) scheduler.spawn(task);
    for (int i = 0; i < kTokens; ++i) give(i % kTasks);
    ended.wait();
    CHECK(scheduler.stop(base::kNever));
  }
}
