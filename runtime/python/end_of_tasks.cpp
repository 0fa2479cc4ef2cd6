#include "python/end_of_tasks.h"

#include <algorithm>

#include "python/async_generators.h"
#include "python/coro_task.h"
#include "python/host.h"

namespace tonio::python {

EndOfTasks::EndOfTasks(std::optional<TaskGroup> group)
    : group_(group),
      outer_(group ? Host::instance().ending_.exchange(std::int64_t{*group}) : Host::kNone) {
  if (!group) Host::instance().ends_of_all_.fetch_add(1);
  // Where an earlier end has left tasks, those that have begun since are told from what these
  // start while they end.
  ++Host::instance().era;
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

void EndOfTasks::ask_tasks() {
  bool some_are_ending = false;
  for_each_left(
      [&](CoroTask& task, auto) { some_are_ending |= task.ends_with_run() || task.cleaning_up(); });
  // A task that is asked sees the new era: it has taken the request from its state word.
  std::atomic<std::uint32_t>& era = Host::instance().era;
  ask_older_than(some_are_ending ? era.load() : ++era);
}

void EndOfTasks::ask_rest() { ask_older_than(Host::instance().era.load()); }

void EndOfTasks::ask_older_than(std::uint32_t now) {
  bool some_are_to_end = false;
  // All are marked before the first one is asked, which may cancel others as it ends: those that
  // are marked are asked once, and not by it as well (CancelScope::Ending).
  for_each_left([&](CoroTask& task, auto generation) {
    if (task.cleaning_up()) return;
    if (!task.ends_with_run()) {
      if (task.began_in(now)) return;
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

// Of one group, whose last task tells nobody while others go on.
constexpr base::Instant kLookAgainAtGroup = 1'000;

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

bool end_tasks(ThreadWait& wait, SignalWatch& signals, base::Instant deadline, EndOfTasks& end,
               Interruption& interruption) {
  Host& host = Host::instance();
  const std::optional<TaskGroup> group = end.group();
  const auto left = [&] { return group ? host.live_tasks(*group) : host.live_tasks(); };
  const EndWatch watch(wait.fd());
  bool at_once = false;
  for (;;) {
    // Whatever has ended the wait: one that raises leaves those that came with it for later.
    while (signals.active() && !at_once && !signals.handle()) {
      at_once = !interruption.add_signal();
    }
    // By a handler: the tasks, and who tells of their end, are the parent's.
    if (host.forked()) return true;
    // Nothing runs any more: what is left is the affair of the program's end.
    if (host.is_stopping()) return true;
    if (at_once || base::now() >= deadline) break;
    // What has been dropped may still be finalized by a worker that has no task any more, and
    // spawn another one, to close an asynchronous generator. Who is not idle in this look
    // reports.
    host.scheduler().report_idle();
    host.scheduler().wake_unsettled();
    const bool idle = host.scheduler().idle_steps().has_value();
    // What they leave open is closed when nobody can be iterating it any more.
    if (left() == 0 && (host.live_tasks() > 0 || (!close_async_generators() && idle))) break;
    end.ask_tasks();
    const base::Instant pause =
        group.value_or(kNoGroup) ? kLookAgainAtGroup : EndOfTasks::kLookAgain;
    (void)wait.wait(signals, std::min(deadline, base::now() + pause));
  }
  if (at_once) host.stop_at_once = true;
  if (left() == 0) return true;
  stop_collector_beside_busy_workers();
  return false;
}

bool end_tasks(EndOfTasks& end, base::Instant deadline, Ref& interruption) {
  SignalWatch signals;
  ThreadWait wait;
  if (!wait.check()) {
    if (Host::instance().live_tasks() == 0) {
      PyErr_Clear();
      return true;
    }
    PyErr_WriteUnraisable(nullptr);
    return false;
  }
  Interruption came;
  const bool ended = end_tasks(wait, signals, deadline, end, came);
  interruption = std::move(came.exception);
  return ended;
}

}  // namespace tonio::python
