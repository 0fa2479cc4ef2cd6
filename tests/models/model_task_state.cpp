// TaskState, with the wait queue, the event and the timer queue that claim by it: of several
// wakers one wins, each suspension is resumed exactly once and for the winner's reason, whoever
// resumes it has all that the task wrote, and a cancel request is delivered or still pending,
// never lost, until the task ends.
#include "model.h"
#include "reactor/timer_queue.h"
#include "suspending.h"
#include "sync/event.h"
#include "task/cancel_scope.h"

using namespace tonio;
using namespace tonio::model;
using task::Claim;
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

void settle(std::initializer_list<SuspendingTask*> tasks,
            std::initializer_list<sync::Event*> events) {
  for (sync::Event* event : events) {
    const Alone alone("no lock is left behind");
    event->for_each_waiter([](task::Waiter&) { require(false, "no waiter is left in line"); });
  }
  for (SuspendingTask* task : tasks) task->check();
}

void one_waker() {
  SuspendingTask task;
  sync::Event event;
  parallel([&] { require(wait(event, task) == End::kSet, "nobody has cancelled it"); },
           [&] { (void)event.set(); });
  settle({&task}, {&event});
}

void cancelled() {
  SuspendingTask task;
  sync::Event event;
  parallel([&] { require(wait(event, task) == End::kCancelled, "no cancel request is lost"); },
           [&] { task.cancel(); });
  require(!task.state().cancel_requested(), "a cancel request is delivered once");
  settle({&task}, {&event});
}

void two_wakers() {
  SuspendingTask task;
  sync::Event event;
  // wake() leaves the flag as it is, so only the last set() is sure to end the wait.
  parallel([&] { require(wait(event, task) == End::kSet, "nobody has cancelled it"); },
           [&] { event.wake(); }, [&] { (void)event.set(); });
  settle({&task}, {&event});
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
  settle({&task}, {&event});
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
  settle({&task}, {&first, &second});
}

// As an Event.wait(timeout) of runtime/python/event.cpp. It claims under the event's lock, the
// timer under the queue's, so here the word alone keeps two claims apart.
void event_meets_timer() {
  constexpr base::Instant kDue = 10;
  SuspendingTask task;
  sync::Event first, second;
  reactor::TimerQueue timers;
  parallel(
      [&] {
        require(task.state().begin_arming(), "nobody has cancelled it");
        if (first.wait(task.waiter())) {
          (void)timers.add(task, kDue);
          const WakeReason reason = task.suspend();
          require(reason != WakeReason::kCancelled, "nobody has cancelled it");
          // Whoever has claimed it has let go of it; the other may be about to try.
          require(reason != WakeReason::kCompleted || !task.waiter().linked(),
                  "the reason is the winner's");
          require(reason != WakeReason::kTimedOut || !task.timer().set(),
                  "the reason is the winner's");
          timers.remove(task);
          first.cancel_wait(task.waiter());
        } else {
          (void)task.state().cancel_arming();
        }
        require(wait(second, task) == End::kSet, "the loser claims no later suspension");
      },
      [&] {
        (void)first.set();
        (void)second.set();
      },
      [&] {
        task::TaskList ready;
        timers.fire_due(kDue, 1, ready);
        ready.wake_all();
      });
  settle({&task}, {&first, &second});
  const Alone alone("no lock is left behind");
  require(timers.empty(), "no timer is left behind");
}

// The end of a run asks tasks that may just be ending (EndOfTasks::ask_tasks).
void end_meets_cancel() {
  SuspendingTask task;
  parallel([&] { task.state().end(); },
           [&] {
             const Claim claim = task.state().request_cancel();
             require(claim == Claim::kLost, "a running task is not claimed");
           });
  require(task.state().ended(), "a task that has ended stays so");
  require(!task.state().cancel_requested(), "a request has no effect on a task that has ended");
}

// The same as the task comes out of its last suspension.
void last_resume_meets_cancel() {
  SuspendingTask task;
  sync::Event event;
  parallel(
      [&] {
        (void)wait(event, task);
        task.state().end();
      },
      [&] { (void)event.set(); }, [&] { task.cancel(); });
  require(task.state().ended(), "a task that has ended stays so");
  require(!task.state().cancel_requested(), "a request has no effect on a task that has ended");
  settle({&task}, {&event});
}

void ask_unmarked(task::Task& task, task::TaskState::Generation generation) {
  if (task.ask_to_end(generation)) task.wake();
}

// As EndOfTasks::ask_tasks.
void ask_to_end(SuspendingTask& task, task::TaskState::Generation generation) {
  task.state().mark_ending(generation);
  ask_unmarked(task, generation);
}

void asked_to_end() {
  SuspendingTask task;
  sync::Event event;
  const auto generation = task.state().generation();
  parallel([&] { require(wait(event, task) == End::kCancelled, "no cancel request is lost"); },
           // One that has begun since the others were marked.
           [&] { ask_unmarked(task, generation); });
  require(task.state().ends_with_run(), "who is asked ends with its run");
  require(!task.state().cancel_requested(), "a cancel request is delivered once");
  settle({&task}, {&event});
}

// The same, in a shield, from which it is let go.
void asked_to_end_in_a_shield() {
  SuspendingTask task;
  sync::Event event, never;
  task::CancelScope shield(true);
  (void)shield.enter(task);
  const auto generation = task.state().generation();
  parallel(
      [&] {
        require(wait(event, task) == End::kSet, "a shield holds the request back");
        (void)shield.leave(task);
        require(wait(never, task) == End::kCancelled, "no cancel request is lost");
      },
      [&] {
        ask_to_end(task, generation);
        (void)event.set();
      });
  require(task.state().ends_with_run(), "who is asked ends with its run");
  settle({&task}, {&event, &never});
}

// Its parent ends as well, and cancels its children.
void child_is_asked_once() {
  SuspendingTask parent, child;
  sync::Event never, cleaned_up;
  task::CancelScope scope(false);
  (void)scope.enter(parent);
  require(scope.add_child(child), "the scope is open");
  const auto generation = child.state().generation();
  child.state().mark_ending(generation);
  parallel(
      [&] {
        require(wait(never, child) == End::kCancelled, "no cancel request is lost");
        require(wait(cleaned_up, child) == End::kSet, "what cleans up is not disturbed");
        scope.remove_child(child);
      },
      [&] { (void)scope.cancel(task::CancelScope::Ending::kSpare); },
      [&] {
        ask_unmarked(child, generation);
        (void)cleaned_up.set();
      });
  (void)scope.leave(parent);
  settle({&child}, {&never, &cleaned_up});
}

// It is over, and another task has begun in its object (CoroTask::begin).
void next_task(SuspendingTask& task, sync::Event& event) {
  task.state().end();
  task.forget_cancel();
  task.state().begin();
  require(wait(event, task) == End::kSet, "the next task is not asked");
}

void settle_next_task(SuspendingTask& task, sync::Event& event) {
  require(!task.state().ends_with_run(), "the next task is not asked");
  {
    // Where a shield is left, what it has held back is asked for anew.
    task::CancelScope shield(true);
    (void)shield.enter(task);
    (void)shield.leave(task);
  }
  require(!task.state().cancel_requested(), "the next task is not asked");
  settle({&task}, {&event});
}

void asked_to_end_when_over() {
  SuspendingTask task;
  sync::Event event;
  const auto generation = task.state().generation();
  parallel([&] { next_task(task, event); },
           [&] {
             ask_to_end(task, generation);
             (void)event.set();
           });
  settle_next_task(task, event);
}

void asked_to_end_when_out_of_a_shield() {
  SuspendingTask task;
  sync::Event event;
  task::CancelScope shield(true);
  (void)shield.enter(task);
  const auto generation = task.state().generation();
  parallel(
      [&] {
        (void)shield.leave(task);
        next_task(task, event);
      },
      [&] {
        ask_to_end(task, generation);
        (void)event.set();
      });
  settle_next_task(task, event);
}

void two_tasks_wait() {
  SuspendingTask one, other;
  sync::Event event;
  parallel([&] { (void)wait(event, one); }, [&] { (void)wait(event, other); },
           [&] { (void)event.set(); });
  settle({&one, &other}, {&event});
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds narrow{1, 1}, normal{2, 1}, deep{3, 2};
  return {{"a waker meets a suspension", {}, {}, one_waker},
          {"a cancel request meets a suspension", {}, {}, cancelled},
          {"two wakers meet a suspension", normal, deep, two_wakers},
          {"a wake meets a cancel request", normal, deep, set_meets_cancel},
          {"an event and a timer claim the same suspension", normal, deep, event_meets_timer},
          {"the end meets a late cancel request", {}, {}, end_meets_cancel},
          {"the last resume meets a cancel request", normal, deep, last_resume_meets_cancel},
          {"a task is asked to end with its run", {}, {}, asked_to_end},
          {"the same, in a shield", {}, {}, asked_to_end_in_a_shield},
          {"a child is asked to end, and its parent cancels it", normal, deep, child_is_asked_once},
          {"a task is asked to end, and the next one begins", {}, {}, asked_to_end_when_over},
          {"the same, out of a shield", {}, {}, asked_to_end_when_out_of_a_shield},
          {"two suspensions, late wakers", narrow, deep, two_suspensions},
          {"two tasks wait for one event", narrow, deep, two_tasks_wait}};
}
