#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "support/parallelize.h"
#include "support/resumed.h"
#include "support/step_task.h"
#include "support/stress.h"
#include "sync/semaphore.h"

using namespace tonio;
using task::WakeReason;

namespace {

void suspend_in_line(sync::Semaphore& semaphore, test::StepTask& task) {
  REQUIRE(task.state().begin_arming());
  REQUIRE(semaphore.wait(task.waiter()));
  REQUIRE(task.state().finish_arming());
}

}  // namespace

TEST_CASE("a waiter that is cancelled before the hand-off is passed over") {
  test::RecordingWaker waker;
  test::StepTask cancelled(waker), next(waker);
  sync::Semaphore semaphore(1);
  REQUIRE(semaphore.try_acquire());
  suspend_in_line(semaphore, cancelled);
  suspend_in_line(semaphore, next);
  cancelled.cancel();

  SUBCASE("and has left the line by then") { semaphore.cancel_wait(cancelled.waiter()); }
  SUBCASE("and has not run yet") {}
  CHECK(semaphore.release());
  CHECK(waker.last == &next);
  semaphore.cancel_wait(cancelled.waiter());
  CHECK(cancelled.state().reason() == WakeReason::kCancelled);
  CHECK(semaphore.release());
  CHECK(semaphore.available() == 1);
}

TEST_CASE("a permit that only a cancelled waiter waits for is free again") {
  test::RecordingWaker waker;
  test::StepTask cancelled(waker);
  sync::Semaphore semaphore(1);
  REQUIRE(semaphore.try_acquire());
  suspend_in_line(semaphore, cancelled);
  cancelled.cancel();
  CHECK(semaphore.release());
  CHECK(semaphore.available() == 1);
}

TEST_CASE(
    "a waiter that is cancelled after the hand-off has the permit, and the "
    "request waits") {
  test::RecordingWaker waker;
  test::StepTask task(waker);
  sync::Semaphore semaphore(1);
  REQUIRE(semaphore.try_acquire());
  suspend_in_line(semaphore, task);
  CHECK(semaphore.release());
  task.cancel();
  CHECK(waker.count == 1);
  CHECK(task.state().reason() == WakeReason::kCompleted);
  CHECK(task.state().cancel_requested());
  CHECK(semaphore.available() == 0);
  CHECK(semaphore.release());
}

TEST_CASE("a permit that is handed over while the waiter still arms stays with it") {
  test::RecordingWaker waker;
  test::StepTask task(waker);
  sync::Semaphore semaphore(1);
  REQUIRE(semaphore.try_acquire());
  REQUIRE(task.state().begin_arming());
  REQUIRE(semaphore.wait(task.waiter()));
  CHECK(semaphore.release());
  task.cancel();
  CHECK(!task.state().finish_arming());
  CHECK(task.state().reason() == WakeReason::kCompleted);
  CHECK(semaphore.available() == 0);
  CHECK(waker.count == 0);
}

// Waiters are cancelled, and time out, while permits are handed over.
TEST_CASE("no permit is lost or doubled, whenever waiters are cancelled") {
  for (const int permits : {1, 2}) {
    for (const int waiters : {2, 4, 7}) {
      test::HandBackWaker waker;
      sync::Semaphore semaphore(static_cast<std::size_t>(permits));
      const int each = test::rounds(3'000);
      std::atomic<int> left{waiters}, holders{0}, too_many{0};
      std::atomic<long> acquired{0};
      long counted = 0;  // touched by the holder of a lock only; TSAN looks at it
      std::deque<test::StepTask> tasks;
      for (int i = 0; i < waiters; ++i) tasks.emplace_back(waker);
      test::parallelize(waiters + 1, [&](int me) {
        if (me == waiters) {
          for (int i = 0; left > 0; ++i) {
            auto& task = tasks[static_cast<std::size_t>(i % waiters)];
            if (i % 2 == 0) {
              task.cancel();
            } else if (task.state().claim(WakeReason::kTimedOut) == task::Claim::kSchedule) {
              task.wake();
            }
            std::this_thread::yield();
          }
          return;
        }
        auto& task = tasks[static_cast<std::size_t>(me)];
        for (int i = 0; i < each; ++i) {
          if (!semaphore.try_acquire()) {
            if (!task.state().begin_arming()) {
              task.state().deliver_cancel();
              continue;
            }
            if (!semaphore.wait(task.waiter())) {
              (void)task.state().cancel_arming();
            } else if (test::until_resumed(task) != WakeReason::kCompleted) {
              semaphore.cancel_wait(task.waiter());
              continue;
            }
          }
          ++acquired;
          if (++holders > permits) ++too_many;
          if (permits == 1) ++counted;
          if (i % 4 == 0) std::this_thread::yield();
          --holders;
          if (!semaphore.release()) ++too_many;
        }
        --left;
      });
      CHECK(too_many == 0);
      CHECK(acquired > 0);
      if (permits == 1) CHECK(counted == acquired);
      CHECK(semaphore.available() == static_cast<std::size_t>(permits));
    }
  }
}
