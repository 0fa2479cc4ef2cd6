#include "scheduler/idle.h"

#include <doctest/doctest.h>

using namespace tonio;
using scheduler::Idle;

TEST_CASE("work wakes one sleeper, and none while somebody searches") {
  Idle idle(3);
  CHECK(!idle.worker_to_notify());  // nobody sleeps
  CHECK(!idle.somebody_sleeps());
  CHECK(idle.begin_searching());
  CHECK(idle.park(0, true));   // the last searcher
  CHECK(idle.park(2, false));  // nobody searches any more
  CHECK(idle.somebody_sleeps());
  CHECK(idle.somebody_runs());
  const auto woken = idle.worker_to_notify();
  REQUIRE(woken);
  CHECK(*woken == 2);
  CHECK(!idle.parked(2));
  CHECK(!idle.worker_to_notify());  // 2 counts as searching
  CHECK(idle.end_searching());      // and was the last one
  CHECK(idle.worker_to_notify() == 0u);
  CHECK(!idle.unpark(0));  // had been notified
}

TEST_CASE("half of the workers may search") {
  Idle idle(4);
  CHECK(idle.begin_searching());
  CHECK(idle.begin_searching());
  CHECK(!idle.begin_searching());
  CHECK(!idle.end_searching());
  CHECK(idle.end_searching());
  Idle one(1);
  CHECK(one.begin_searching());
  CHECK(!one.begin_searching());
}

TEST_CASE("a worker that wakes by itself is no longer chosen") {
  Idle idle(2);
  (void)idle.park(0, false);
  (void)idle.park(1, false);
  CHECK(!idle.somebody_runs());
  CHECK(idle.unpark(1));
  CHECK(idle.somebody_runs());
  int visited = -1;
  idle.with_parked([&](unsigned worker) { visited = static_cast<int>(worker); });
  CHECK(visited == 0);
  CHECK(idle.worker_to_notify() == 0u);
}
