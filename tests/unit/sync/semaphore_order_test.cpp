#include <doctest/doctest.h>

#include "support/step_task.h"
#include "sync/semaphore.h"

using namespace tonio;

namespace {

bool wait(sync::Semaphore& semaphore, test::StepTask& task) {
  REQUIRE(task.state().begin_arming());
  if (!semaphore.wait(task.waiter())) {
    CHECK(!task.state().cancel_arming());
    return false;
  }
  return task.state().finish_arming();
}

}  // namespace

TEST_CASE("permits are counted") {
  sync::Semaphore semaphore(2);
  CHECK(semaphore.limit() == 2);
  CHECK(semaphore.available() == 2);
  CHECK(!semaphore.release());
  CHECK(semaphore.try_acquire());
  CHECK(semaphore.try_acquire());
  CHECK(!semaphore.try_acquire());
  CHECK(semaphore.available() == 0);
  CHECK(semaphore.release());
  CHECK(semaphore.available() == 1);
  CHECK(semaphore.release());
  CHECK(!semaphore.release());
  CHECK(semaphore.available() == 2);
}

TEST_CASE(
    "a permit that is released goes to who has waited longest, and nobody "
    "overtakes") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker), c(waker);
  sync::Semaphore semaphore(1);
  CHECK(!wait(semaphore, a));
  CHECK(wait(semaphore, b));
  CHECK(wait(semaphore, c));
  CHECK(semaphore.release());
  CHECK(waker.last == &b);
  CHECK(waker.count == 1);
  // It is b's, whether that has run since or not.
  CHECK(semaphore.available() == 0);
  CHECK(!semaphore.try_acquire());
  CHECK(semaphore.release());
  CHECK(waker.last == &c);
  CHECK(semaphore.release());
  CHECK(waker.count == 2);
  CHECK(semaphore.available() == 1);
}
