#include <doctest/doctest.h>

#include <thread>

#include "reactor/runtime_clock.h"
#include "support/polled_reactor.h"
#include "support/resumed.h"
#include "support/stress.h"

using namespace tonio;

namespace {

// Suspends the task until the deadline.
void sleep_until(test::PolledReactor& reactor, test::StepTask& task, base::Instant deadline) {
  REQUIRE(test::suspend(task));
  reactor.reactor.add_timer(task, deadline);
}

}  // namespace

TEST_CASE("a frozen clock stands still, moves forward only, and goes on from where it stands") {
  reactor::RuntimeClock clock;
  CHECK(clock.now() >= base::now() - 1'000'000);
  CHECK(!clock.frozen());
  clock.freeze();
  const base::Instant start = clock.now();
  while (base::now() <= start) {
  }
  CHECK(clock.frozen());
  CHECK(clock.now() == start);
  clock.move_to(start + 3600'000'000LL);
  CHECK(clock.now() == start + 3600'000'000LL);
  clock.move_to(start);
  CHECK(clock.now() == start + 3600'000'000LL);
  clock.go_on();
  CHECK(clock.now() >= start + 3600'000'000LL);
  CHECK(clock.now() < start + 3700'000'000LL);
  // Once more: it keeps what it is ahead.
  clock.freeze();
  CHECK(clock.now() >= start + 3600'000'000LL);
  clock.go_on();
  clock.go_on();
  CHECK(clock.now() >= start + 3600'000'000LL);
}

TEST_CASE("timers of a frozen clock fire when it is moved, in the order of their deadlines") {
  test::PolledReactor reactor;
  reactor.reactor.freeze_clock();
  const base::Instant start = reactor.reactor.clock().now();
  test::StepTask first(reactor.waker), second(reactor.waker);
  sleep_until(reactor, second, start + 2'000);
  sleep_until(reactor, first, start + 1'000);
  CHECK(reactor.reactor.first_deadline() == start + 1'000);
  while (base::now() < start + 3'000) {
  }
  // More than one: what has changed the clock has woken the loop.
  for (int i = 0; i < 3; ++i) CHECK(reactor.poll(base::now() + 500) == 0);
  reactor.reactor.move_clock(start + 1'999);
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(second.state().suspended());
  reactor.reactor.move_clock(start + 2'000);
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(reactor.reactor.first_deadline() == base::kNever);
}

TEST_CASE("a timer that is due at once fires on a frozen clock, too") {
  test::PolledReactor reactor;
  reactor.reactor.freeze_clock();
  test::StepTask task(reactor.waker);
  sleep_until(reactor, task, reactor.reactor.deadline_after(-1));
  CHECK(reactor.poll(base::kNever) == 1);
}

TEST_CASE("when the clock goes on, timers keep their distance") {
  test::PolledReactor reactor;
  reactor.reactor.freeze_clock();
  test::StepTask task(reactor.waker);
  const base::Instant start = reactor.reactor.clock().now();
  reactor.reactor.move_clock(start + 3600'000'000LL);
  sleep_until(reactor, task, start + 3600'000'000LL + 2'000);
  reactor.reactor.let_clock_go_on();
  const base::Instant before = base::now();
  std::size_t fired = 0;
  while (fired == 0) fired = reactor.poll(base::kNever);
  CHECK(reactor.reactor.clock().now() >= start + 3600'000'000LL + 2'000);
  CHECK(base::now() - before < 60'000'000);
}

TEST_CASE("another thread moves the clock while a poll blocks") {
  test::PolledReactor reactor;
  reactor.reactor.freeze_clock();
  for (int i = 0; i < test::rounds(200); ++i) {
    test::StepTask task(reactor.waker);
    const base::Instant deadline = reactor.reactor.deadline_after(10);
    sleep_until(reactor, task, deadline);
    std::thread other([&] { reactor.reactor.move_clock(deadline); });
    while (task.state().suspended()) reactor.poll(base::kNever);
    other.join();
    CHECK(task.state().reason() == task::WakeReason::kTimedOut);
  }
}
