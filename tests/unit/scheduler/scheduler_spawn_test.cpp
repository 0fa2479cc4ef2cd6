#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <vector>

#include "scheduler/scheduler.h"
#include "support/fake_runtime.h"
#include "support/parallelize.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

// Pushes meet workers that are just about to park, at all numbers of workers.
TEST_CASE("every task spawned from outside runs, one at a time") {
  for (const unsigned workers : {1u, 2u, 4u, 8u, 64u}) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(workers));
    const int count = test::rounds(workers > 8 ? 1'000 : 5'000);
    for (int i = 0; i < count; ++i) {
      test::Countdown ended;
      test::StepTask task(
          scheduler, [](auto&) { return Next::kDone; }, &ended);
      scheduler.spawn(task);
      ended.wait();
    }
    CHECK(scheduler.stop(base::kNever));
  }
}

TEST_CASE("every task spawned from many threads and from tasks runs once") {
  for (const unsigned workers : {1u, 2u, 4u, 8u, 64u}) {
    test::FakeHooks hooks;
    test::FakeDriver driver;
    scheduler::Scheduler scheduler(driver, hooks);
    REQUIRE(scheduler.start(workers));
    const int each = test::rounds(2'000);
    const int fan = 5;
    test::Countdown ended(4L * each * (1 + fan));
    std::vector<std::deque<test::StepTask>> parents(4), children(4);
    std::atomic<int> runs{0};
    test::parallelize(4, [&](int me) {
      const auto leaf = [&](test::StepTask& task) {
        ++runs;
        return task.stage++ == 0 ? Next::kGiveWay : Next::kDone;
      };
      auto& mine = children[me];
      for (int i = 0; i < each * fan; ++i) mine.emplace_back(scheduler, leaf, &ended);
      for (int i = 0; i < each; ++i) {
        parents[me].emplace_back(
            scheduler,
            [&, i](test::StepTask&) {
              if (i % 2) {
                task::TaskList list;
                for (int k = 0; k < fan; ++k) list.push_back(mine[i * fan + k]);
                scheduler.spawn(list);
              } else {
                for (int k = 0; k < fan; ++k) scheduler.spawn(mine[i * fan + k]);
              }
              return Next::kDone;
            },
            &ended);
        scheduler.spawn(parents[me].back());
      }
    });
    ended.wait();
    CHECK(scheduler.stop(base::kNever));
    CHECK(runs == 4 * each * fan * 2);
  }
}
