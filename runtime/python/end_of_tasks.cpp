#include "python/end_of_tasks.h"

#include <algorithm>

#include "python/async_generators.h"
#include "python/coro_task.h"
#include "python/host.h"
#include "python/running_calls.h"

namespace tonio::python {

EndOfTasks::EndOfTasks(std::optional<TaskGroup> group)
    : group_(group),
      outer_(group ? Host::instance().ending_.exchange(std::int64_t{*group}) : Host::kNone) {
  if (!group) Host::instance().ends_of_all_.fetch_add(1);
  // Where an earlier end has left tasks, those that have begun since are told from what these
  // start while they end.
  era_ = ++Host::instance().era;
}

EndOfTasks::~EndOfTasks() {
  Host& host = Host::instance();
  if (group_) {
    host.ending_.store(outer_);
  } else {
    host.ends_of_all_.fetch_sub(1);
  }
  if (host.forked() || host.live_tasks() == 0) return;
  if (kept_) {
    host.ends_kept_.store(true);
    return;
  }
  for_each_left([](CoroTask& task, auto generation) { task.state().forget_end(generation); });
}

template <typename Visit>
void EndOfTasks::for_each_left(Visit&& visit) {
  Host::instance().for_each_task([&](CoroTask& task) {
    // First of all: another task may begin in the object at any time.
    const auto generation = task.state().generation();
    if (task.state().ended() || (group_ && task.group() != *group_)) return;
    visit(task, generation);
  });
}

std::uint64_t EndOfTasks::give_up() {
  Host& host = Host::instance();
  std::uint64_t count = 0;
  for_each_left([&](CoroTask& task, auto generation) {
    // The others have not been asked: they begin just now.
    if (!task.state().asked() && !task.cleaning_up()) return;
    task.state().mark_overdue(generation);
    ++count;
  });
  host.some_are_overdue_.store(true);
  // Those of a test's group are not told from others.
  if (group_.value_or(kNoGroup) != kNoGroup) return count;
  const std::uint64_t batches = host.live_batches();
  host.overdue_batches_.store(batches);
  return count + batches;
}

void EndOfTasks::ask_tasks() {
  bool some_are_ending = false;
  for_each_left([&](CoroTask& task, auto) {
    // The end of the program does not wait for those that are overdue.
    const bool awaited = group_ || !task.state().overdue();
    some_are_ending |= awaited && (task.ends_with_run() || task.cleaning_up());
  });
  // A task that is asked sees the new era: it has taken the request from its state word.
  std::atomic<std::uint32_t>& era = Host::instance().era;
  era_ = some_are_ending ? era.load() : ++era;
  ask_rest();
}

void EndOfTasks::ask_rest() {
  abandon_late_calls();
  bool some_are_to_end = false;
  // All are marked before the first one is asked, which may cancel others as it ends: those that
  // are marked are asked once, and not by it as well (CancelScope::Ending).
  for_each_left([&](CoroTask& task, auto generation) {
    if (task.cleaning_up()) return;
    if (!task.ends_with_run()) {
      if (!task.began_before(era_)) return;
      task.state().mark_ending(generation);
    }
    some_are_to_end |= !task.state().asked();
  });
  if (!some_are_to_end) return;
  task::TaskList suspended;
  for_each_left([&](CoroTask& task, auto generation) {
    if (task.ends_with_run() && task.ask_to_end(generation)) suspended.push_back(task);
  });
  // The first of them to wake sees all others asked.
  suspended.wake_all();
}

namespace {

// At what is likely to end in a moment, and tells nobody.
constexpr base::Instant kLookAgainSoon = 1'000;

// A worker that is inside of a call of C code comes to no safe point, so whoever stops the world
// waits for it, for ever and deaf to signals. What is left of the program can do without the
// collector, which would.
void stop_collector_beside_busy_workers() {
  if (!Host::instance().scheduler().idle_steps()) PyGC_Disable();
}

// An eventfd is told of the last task's end, and of idle workers.
class EndWatch {
 public:
  explicit EndWatch(int fd) { set(fd); }
  ~EndWatch() {
    // In a child nobody is there to tell, and the locks may be the parent's.
    if (!Host::instance().forked()) set(-1);
  }
  EndWatch(const EndWatch&) = delete;
  EndWatch& operator=(const EndWatch&) = delete;

 private:
  static void set(int fd) {
    Host::instance().idle_target.set(fd);
    Host::instance().watch_end_of_tasks(fd);
  }
};

}  // namespace

Waited end_tasks(ThreadWait& wait, SignalWatch& signals, base::Instant deadline, EndOfTasks& end,
                 Interruption& interruption) {
  Host& host = Host::instance();
  const std::optional<TaskGroup> group = end.group();
  const auto left = [&] { return group ? host.live_tasks(*group) : host.tasks_in_time(); };
  const EndWatch watch(wait.fd());
  // Often enough for what happens in the middle of a short time (abandon_late_calls).
  const base::Instant pause =
      std::clamp((deadline - base::now()) / 8, kLookAgainSoon, EndOfTasks::kLookAgain);
  bool at_once = false;
  for (;;) {
    // Before what came later.
    if (interruption.hears_tasks) host.hear_tasks(interruption);
    // Whatever has ended the wait: one that raises leaves those that came with it for later.
    while (signals.active() && !at_once && !signals.handle()) {
      at_once = !interruption.add_signal();
    }
    // By a handler: the tasks, and who tells of their end, are the parent's.
    if (host.forked()) return Waited::kForAll;
    // Nothing runs any more: what is left is the affair of the program's end.
    if (host.is_stopping()) return Waited::kForAll;
    if (at_once) break;
    // What has been dropped may still be finalized by a worker that has no task any more, and
    // spawn another one, to close an asynchronous generator. Who is not idle in this look
    // reports.
    host.scheduler().report_idle();
    host.scheduler().wake_unsettled();
    const bool idle = host.scheduler().idle_steps().has_value();
    // What they leave open is closed when nobody can be iterating it any more.
    const bool ended =
        left() == 0 && (host.live_tasks() > 0 || (!close_async_generators() && idle));
    if (ended && (!group || calls_in_time(group) == 0)) break;
    end.ask_tasks();
    if (base::now() >= deadline) break;
    // The last task of one group tells nobody while others go on.
    const bool tells = group.value_or(kNoGroup) == kNoGroup;
    (void)wait.wait(signals, std::min(deadline, base::now() + (tells ? pause : kLookAgainSoon)));
  }
  if (at_once) host.stop_at_once = true;
  const bool all_ended = left() == 0;
  if (!all_ended || (!group && host.live_tasks() > 0)) stop_collector_beside_busy_workers();
  const bool calls_are_left = group && base::now() >= deadline && abandoned_calls(*group) > 0;
  if (all_ended && !calls_are_left) return Waited::kForAll;
  return at_once ? Waited::kUntilSignal : Waited::kUntilDeadline;
}

Waited end_tasks(EndOfTasks& end, base::Instant deadline, Interruption& interruption) {
  SignalWatch signals;
  ThreadWait wait;
  if (!wait.check()) {
    if (Host::instance().live_tasks() == 0) {
      PyErr_Clear();
      return Waited::kForAll;
    }
    PyErr_WriteUnraisable(nullptr);
    return Waited::kNot;
  }
  return end_tasks(wait, signals, deadline, end, interruption);
}

void end_calls(base::Instant deadline, Interruption& interruption) {
  Host& host = Host::instance();
  SignalWatch signals;
  ThreadWait wait;
  if (!wait.check()) return PyErr_Clear();
  while (calls_in_time(std::nullopt) > 0 && base::now() < deadline) {
    // Nobody tells of their ends.
    (void)wait.wait(signals, std::min(deadline, base::now() + kLookAgainSoon));
    while (signals.active() && !signals.handle()) {
      if (!interruption.add_signal()) host.stop_at_once = true;
    }
    if (host.forked() || host.stop_at_once) return;
  }
}

}  // namespace tonio::python
