#include <doctest/doctest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "support/pipes.h"
#include "support/polled_reactor.h"
#include "support/stress.h"

using namespace tonio;

TEST_CASE("a deadline that is already due doesn't block the poll") {
  test::PolledReactor reactor;
  test::StepTask task(reactor.waker);
  for (const base::Instant late : {0, 1, 1'000'000}) {
    REQUIRE(test::suspend(task));
    reactor.reactor.add_timer(task, base::now() - late);
    CHECK(reactor.poll(base::kNever) == 1);
    CHECK(task.state().reason() == task::WakeReason::kTimedOut);
  }
  // Nor a poll without blocking.
  REQUIRE(test::suspend(task));
  reactor.reactor.add_timer(task, 1);
  CHECK(reactor.poll(0) == 1);
  CHECK(reactor.poll(1) == 0);
}

TEST_CASE("a poll ends at its deadline, and at an earlier timer") {
  test::PolledReactor reactor;
  const base::Instant start = base::now();
  CHECK(reactor.poll(start + 3'000) == 0);
  CHECK(base::now() >= start + 3'000);

  test::StepTask near(reactor.waker), far(reactor.waker);
  REQUIRE(test::suspend(near));
  REQUIRE(test::suspend(far));
  reactor.reactor.add_timer(far, base::now() + 60'000'000);
  const base::Instant deadline = base::now() + 2'000;
  reactor.reactor.add_timer(near, deadline);
  std::size_t fired = 0;
  while (fired == 0) fired += reactor.poll(base::kNever);
  CHECK(base::now() >= deadline);
  CHECK(far.state().suspended());
  // An earlier timer leaves the clock set too early: one idle turn at most,
  // then quiet.
  reactor.reactor.remove_timer(far);
  const base::Instant again = base::now();
  CHECK(reactor.poll(again + 2'000) == 0);
}

// libuv's own timers count milliseconds.
TEST_CASE("timers have sub-millisecond precision and never fire early") {
  test::PolledReactor reactor;
  test::StepTask task(reactor.waker);
  std::vector<base::Instant> late;
  bool early = false;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(test::suspend(task));
    const base::Instant deadline = base::now() + 300;
    reactor.reactor.add_timer(task, deadline);
    while (task.state().suspended()) reactor.poll(base::kNever);
    const base::Instant now = base::now();
    early = early || now < deadline;
    late.push_back(now - deadline);
  }
  CHECK(!early);
  // The machine may be busy; the quick ones show what the clock can do.
  std::sort(late.begin(), late.end());
  CHECK(late[20] < 700);
}

TEST_CASE("a timer set by another thread shortens the poll that blocks") {
  test::PolledReactor reactor;
  test::StepTask far(reactor.waker);
  REQUIRE(test::suspend(far));
  reactor.reactor.add_timer(far, base::now() + 3600'000'000LL);
  for (int i = 0; i < test::rounds(300); ++i) {
    test::StepTask task(reactor.waker);
    REQUIRE(test::suspend(task));
    std::thread other([&] { reactor.reactor.add_timer(task, base::now() + i % 3 * 100); });
    while (task.state().suspended()) reactor.poll(base::kNever);
    other.join();
    CHECK(task.state().reason() == task::WakeReason::kTimedOut);
  }
  reactor.reactor.remove_timer(far);
}

TEST_CASE("a timer that is removed doesn't fire") {
  test::PolledReactor reactor;
  test::StepTask task(reactor.waker);
  REQUIRE(test::suspend(task));
  reactor.reactor.add_timer(task, base::now() + 500);
  reactor.reactor.remove_timer(task);
  const base::Instant end = base::now() + 2'000;
  CHECK(reactor.poll(end) == 0);
  while (base::now() < end) CHECK(reactor.poll(end) == 0);
  CHECK(task.state().suspended());
}
