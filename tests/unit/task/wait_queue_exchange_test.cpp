#include <doctest/doctest.h>

#include "support/step_task.h"
#include "task/wait_queue.h"

using namespace tonio;

TEST_CASE("what a waiter carries changes hands with the claim, and only then") {
  test::RecordingWaker waker;
  test::StepTask cancelled(waker), next(waker);
  task::WaitQueue queue;
  task::TaskList ready;
  int first = 1, second = 2, given = 3;
  cancelled.waiter().payload = &first;
  next.waiter().payload = &second;
  for (auto* task : {&cancelled, &next}) {
    REQUIRE(task->state().begin_arming());
    queue.push(task->waiter());
    REQUIRE(task->state().finish_arming());
  }
  cancelled.cancel();

  void* payload = &given;
  REQUIRE(queue.exchange_first(ready, payload));
  CHECK(ready.pop_front() == &next);
  CHECK(payload == &second);
  CHECK(next.waiter().payload == &given);
  CHECK(cancelled.waiter().payload == &first);
  // With nobody left, it stays with the caller.
  payload = &given;
  CHECK(!queue.exchange_first(ready, payload));
  CHECK(payload == &given);
}

TEST_CASE("waking all leaves what they carry") {
  test::RecordingWaker waker;
  test::StepTask task(waker);
  task::WaitQueue queue;
  task::TaskList ready;
  int carried = 1;
  task.waiter().payload = &carried;
  REQUIRE(task.state().begin_arming());
  queue.push(task.waiter());
  REQUIRE(task.state().finish_arming());
  CHECK(queue.claim_all(ready) == 1);
  CHECK(ready.pop_front() == &task);
  CHECK(task.waiter().payload == &carried);
}
