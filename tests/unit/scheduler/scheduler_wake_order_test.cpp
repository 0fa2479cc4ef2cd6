#include <doctest/doctest.h>

#include <vector>

#include "scheduler/scheduler.h"
#include "support/fake_runtime.h"
#include "support/step_task.h"

using namespace tonio;
using Next = test::StepTask::Next;

TEST_CASE("a woken task runs before those that were ready, new tasks run in order") {
  test::FakeHooks hooks;
  test::FakeDriver driver;
  scheduler::Scheduler scheduler(driver, hooks);
  REQUIRE(scheduler.start(1));
  test::Countdown ended(6);
  std::vector<int> order;  // by the one worker
  const auto note = [&](int n) {
    return [&order, n](test::StepTask&) {
      order.push_back(n);
      return Next::kDone;
    };
  };
  test::StepTask a(scheduler, note(1), &ended), b(scheduler, note(2), &ended),
      c(scheduler, note(3), &ended), x(scheduler, note(10), &ended), y(scheduler, note(11), &ended);
  test::StepTask first(
      scheduler,
      [&](test::StepTask&) {
        order.push_back(0);
        scheduler.spawn(a);
        task::TaskList two;
        two.push_back(b);
        two.push_back(c);
        scheduler.spawn(two);
        scheduler.wake(x);  // displaced by y, so it waits its turn
        scheduler.wake(y);
        return Next::kDone;
      },
      &ended);
  scheduler.spawn(first);
  ended.wait();
  CHECK(scheduler.stop(base::kNever));
  CHECK(order == std::vector{0, 11, 1, 2, 3, 10});
}
