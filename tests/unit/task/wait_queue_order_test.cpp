#include <doctest/doctest.h>

#include "support/step_task.h"
#include "task/wait_queue.h"

using namespace tonio;

TEST_CASE("waiters are woken first come, first served") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker), c(waker);
  task::WaitQueue queue;
  task::TaskList ready;
  CHECK(queue.empty());
  CHECK(!queue.claim_first(ready));
  for (auto* task : {&a, &b, &c}) {
    REQUIRE(task->state().begin_arming());
    queue.push(task->waiter());
    REQUIRE(task->state().finish_arming());
  }
  REQUIRE(queue.claim_first(ready));
  CHECK(ready.pop_front() == &a);
  CHECK(ready.empty());
  CHECK(queue.claim_all(ready) == 2);
  CHECK(ready.pop_front() == &b);
  CHECK(ready.pop_front() == &c);
  CHECK(queue.empty());
  CHECK(!a.waiter().linked());
}
