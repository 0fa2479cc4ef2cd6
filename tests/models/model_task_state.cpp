// TaskState, with the wait queue and the event that claim by it: of several wakers one
// wins, each suspension is resumed exactly once, whoever resumes it has all that the task
// wrote, and a cancel request is delivered or still pending, never lost.
#include "model.h"
#include "suspending.h"
#include "sync/event.h"

using namespace tonio;
using namespace tonio::model;
using task::WakeReason;

namespace {

enum class End { kSet, kCancelled };

// As runtime/python/event.cpp waits.
End wait(sync::Event& event, SuspendingTask& task) {
  if (event.is_set()) return End::kSet;
  if (!task.state().begin_arming()) {
    (void)task.deliver_cancel();
    return End::kCancelled;
  }
  if (!event.wait(task.waiter())) {
    (void)task.state().cancel_arming();
    return End::kSet;
  }
  if (task.suspend() == WakeReason::kCompleted) return End::kSet;
  event.cancel_wait(task.waiter());
  (void)task.deliver_cancel();
  return End::kCancelled;
}

void one_waker() {
  SuspendingTask task;
  sync::Event event;
  parallel([&] { require(wait(event, task) == End::kSet, "nobody has cancelled it"); },
           [&] { (void)event.set(); });
  task.check();
}

void cancelled() {
  SuspendingTask task;
  sync::Event event;
  parallel([&] { require(wait(event, task) == End::kCancelled, "no cancel request is lost"); },
           [&] { task.cancel(); });
  require(!task.state().cancel_requested(), "a cancel request is delivered once");
  task.check();
}

void two_wakers() {
  SuspendingTask task;
  sync::Event event;
  // wake() leaves the flag as it is, so only the last set() is sure to end the wait.
  parallel([&] { require(wait(event, task) == End::kSet, "nobody has cancelled it"); },
           [&] { event.wake(); }, [&] { (void)event.set(); });
  task.check();
}

void set_meets_cancel() {
  SuspendingTask task;
  sync::Event event;
  parallel(
      [&] {
        if (wait(event, task) == End::kCancelled) {
          require(!task.state().cancel_requested(), "a cancel request is delivered once");
        } else {
          // Completed first: the request is still to come, or pending.
          sync::Event never;
          require(wait(never, task) == End::kCancelled, "no cancel request is lost");
        }
      },
      [&] { (void)event.set(); }, [&] { task.cancel(); });
  task.check();
}

void two_suspensions() {
  SuspendingTask task;
  sync::Event first, second;
  parallel(
      [&] {
        require(wait(first, task) == End::kSet, "nobody has cancelled it");
        require(wait(second, task) == End::kSet, "nobody has cancelled it");
      },
      [&] {
        (void)first.set();
        (void)second.set();
      },
      [&] {
        first.wake();
        second.wake();
      });
  task.check();
}

void two_tasks_wait() {
  SuspendingTask one, other;
  sync::Event event;
  parallel([&] { (void)wait(event, one); }, [&] { (void)wait(event, other); },
           [&] { (void)event.set(); });
  one.check();
  other.check();
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds narrow{1, 1}, normal{2, 1}, deep{3, 2};
  return {{"a waker meets a suspension", {}, {}, one_waker},
          {"a cancel request meets a suspension", {}, {}, cancelled},
          {"two wakers meet a suspension", normal, deep, two_wakers},
          {"a wake meets a cancel request", normal, deep, set_meets_cancel},
          {"two suspensions, late wakers", narrow, deep, two_suspensions},
          {"two tasks wait for one event", narrow, deep, two_tasks_wait}};
}
