#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <thread>

#include "support/running_runtime.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

TEST_CASE("sleeping tasks wake on any worker, none early, however many sleep") {
  for (const unsigned workers : {1u, 2u, 8u}) {
    test::RunningRuntime running(workers);
    const int count = test::rounds(2'000);
    test::Countdown ended(count);
    std::atomic<int> early{0};
    std::deque<test::StepTask> tasks;
    for (int i = 0; i < count; ++i) {
      tasks.emplace_back(
          running.scheduler(),
          [&, i, deadline = base::Instant{0}](test::StepTask& task) mutable {
            if (task.stage > 0 && base::now() < deadline) ++early;
            if (task.stage++ == 5) return Next::kDone;
            if (!task.state().begin_arming()) std::abort();
            deadline = base::now() + i * 7 % 3'000;
            running.reactor().add_timer(task, deadline);
            return Next::kWait;
          },
          &ended);
    }
    for (auto& task : tasks) running.scheduler().spawn(task);
    ended.wait();
    CHECK(early == 0);
  }
}

TEST_CASE("a timer fires while every worker has tasks that never wait") {
  for (const unsigned workers : {1u, 2u}) {
    test::RunningRuntime running(workers);
    std::atomic<bool> stop{false};
    test::Countdown hogs(4), slept;
    const auto hog = [&](test::StepTask&) { return stop ? Next::kDone : Next::kGiveWay; };
    std::deque<test::StepTask> tasks;
    for (int i = 0; i < 4; ++i) tasks.emplace_back(running.scheduler(), hog, &hogs);
    for (auto& task : tasks) running.scheduler().spawn(task);
    test::StepTask sleeper(
        running.scheduler(),
        [&](test::StepTask& task) {
          if (task.stage++ == 20) return Next::kDone;
          if (!task.state().begin_arming()) std::abort();
          running.reactor().add_timer(task, base::now() + 200);
          return Next::kWait;
        },
        &slept);
    running.scheduler().spawn(sleeper);
    slept.wait();
    stop = true;
    hogs.wait();
  }
}
