#include <doctest/doctest.h>

#include "support/step_task.h"

using namespace tonio;

TEST_CASE("a task list is a queue that can be cut and joined") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker), c(waker), d(waker);
  task::TaskList list, other;
  list.push_back(a);
  list.push_back(b);
  list.push_front(c);
  CHECK(list.size() == 3);
  other.push_back(d);
  other.append(list);
  CHECK(list.empty());
  CHECK(other.size() == 4);
  list.take_front(other, 2);
  CHECK(list.pop_front() == &d);
  CHECK(list.pop_front() == &c);
  CHECK(list.pop_front() == nullptr);
  list.take_front(other, 10);
  CHECK(other.empty());
  CHECK(list.size() == 2);
  task::TaskList moved(std::move(list));
  CHECK(moved.size() == 2);
  moved.wake_all();
  CHECK(waker.count == 2);
  CHECK(waker.last == &b);
  CHECK(moved.empty());
}
