#include "sync/event.h"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "support/parallelize.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;

TEST_CASE("setting an event wakes everybody that waits, once") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker), late(waker);
  sync::Event event;
  CHECK(!event.is_set());
  for (auto* task : {&a, &b}) {
    REQUIRE(task->state().begin_arming());
    REQUIRE(event.wait(task->waiter()));
    REQUIRE(task->state().finish_arming());
  }
  int waiters = 0;
  event.for_each_waiter([&](task::Waiter&) { ++waiters; });
  CHECK(waiters == 2);
  CHECK(event.set());
  CHECK(!event.set());
  CHECK(event.is_set());
  CHECK(waker.count == 2);
  REQUIRE(late.state().begin_arming());
  CHECK(!event.wait(late.waiter()));
  CHECK(!late.waiter().linked());
  CHECK(!late.state().cancel_arming());
  event.clear();
  CHECK(!event.is_set());
  REQUIRE(late.state().begin_arming());
  CHECK(event.wait(late.waiter()));
  event.cancel_wait(late.waiter());
  CHECK(event.set());
  CHECK(waker.count == 2);
  CHECK(!late.state().cancel_arming());
}

TEST_CASE("waking who waits leaves the event as it is") {
  test::RecordingWaker waker;
  test::StepTask task(waker);
  sync::Event event;
  event.wake();
  for (int round = 1; round <= 2; ++round) {
    REQUIRE(task.state().begin_arming());
    REQUIRE(event.wait(task.waiter()));
    REQUIRE(task.state().finish_arming());
    event.wake();
    CHECK(waker.count == round);
    CHECK(task.state().reason() == task::WakeReason::kCompleted);
    CHECK(!task.waiter().linked());
    CHECK(!event.is_set());
  }
}

TEST_CASE(
    "waits, cancellations, set and clear race: nobody sleeps through a set "
    "event") {
  for (const int waiters : {1, 3, 7}) {
    test::RecordingWaker waker;
    sync::Event event;
    const int each = test::rounds(3'000);
    std::atomic<int> left{waiters};
    std::deque<test::StepTask> tasks;
    for (int i = 0; i < waiters; ++i) tasks.emplace_back(waker);
    long written = 0;  // seen by who sees the event set for the last time
    test::parallelize(waiters + 2, [&](int me) {
      if (me == waiters) {
        while (left > 0) {
          event.set();
          std::this_thread::yield();
          if (left > 0) event.clear();
        }
        written = 7;
        event.set();
        return;
      }
      if (me == waiters + 1) {
        while (left > 0) {
          for (auto& task : tasks) task.cancel();
          std::this_thread::yield();
        }
        return;
      }
      auto& task = tasks[me];
      for (int i = 0; i < each; ++i) {
        if (!task.state().begin_arming()) {
          task.state().deliver_cancel();
          continue;
        }
        if (!event.wait(task.waiter())) {
          (void)task.state().cancel_arming();
          continue;
        }
        if (task.state().finish_arming()) {
          while (task.state().suspended()) std::this_thread::yield();
        }
        if (task.state().reason() != task::WakeReason::kCompleted) event.cancel_wait(task.waiter());
      }
      --left;
    });
    int in_line = 0;
    event.for_each_waiter([&](task::Waiter&) { ++in_line; });
    CHECK(in_line == 0);
    CHECK(event.is_set());
    CHECK(written == 7);
  }
}
