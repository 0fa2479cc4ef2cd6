#include <doctest/doctest.h>

#include "support/step_task.h"
#include "task/wait_queue.h"

using namespace tonio;
using task::Claim;
using task::WakeReason;

TEST_CASE("what is handed over goes past a waiter that somebody else has woken") {
  test::RecordingWaker waker;
  test::StepTask timed_out(waker), cancelled(waker), next(waker);
  task::WaitQueue queue;
  task::TaskList ready;
  for (auto* task : {&timed_out, &cancelled, &next}) {
    REQUIRE(task->state().begin_arming());
    queue.push(task->waiter());
    REQUIRE(task->state().finish_arming());
  }
  REQUIRE(timed_out.state().claim(WakeReason::kTimedOut) == Claim::kSchedule);
  cancelled.cancel();
  CHECK(waker.last == &cancelled);

  int message = 5;
  REQUIRE(queue.claim_first(ready, &message));
  CHECK(ready.pop_front() == &next);
  CHECK(ready.empty());
  CHECK(next.waiter().payload == &message);
  CHECK(timed_out.state().reason() == WakeReason::kTimedOut);
  CHECK(cancelled.state().reason() == WakeReason::kCancelled);
  // With nobody left, it stays with the caller.
  CHECK(!queue.claim_first(ready, &message));
}

TEST_CASE(
    "a waiter that is still arming gets what is handed over and stays where it "
    "is") {
  test::RecordingWaker waker;
  test::StepTask task(waker);
  task::WaitQueue queue;
  task::TaskList ready;
  int message = 5;
  REQUIRE(task.state().begin_arming());
  queue.push(task.waiter());
  CHECK(queue.claim_first(ready, &message));
  CHECK(ready.empty());
  CHECK(!task.state().finish_arming());
  CHECK(task.state().reason() == WakeReason::kCompleted);
  CHECK(task.waiter().payload == &message);
}
