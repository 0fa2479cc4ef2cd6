// The end of tasks, with their run or with the program: they are asked, and waited for.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "python/py.h"
#include "python/thread_context.h"
#include "python/thread_wait.h"

namespace tonio::python {

// While it lives, the tasks of the group end, or all. One may be within another: in a signal
// handler, say; one of all tasks also beside that of a run of another thread.
class EndOfTasks {
 public:
  explicit EndOfTasks(std::optional<TaskGroup> group);
  // Tasks that go on are as any other from here on, but for keep().
  ~EndOfTasks();
  EndOfTasks(const EndOfTasks&) = delete;
  EndOfTasks& operator=(const EndOfTasks&) = delete;

  // Asks the tasks that are left to end, each once: a task that suspends again in a finally
  // block is not disturbed. Tasks that those start while they end are cleaning up, and are
  // asked only when all that were asked before have ended.
  void ask_tasks();
  // Asks those as well that were being spawned while it asked the others, and no later ones.
  void ask_rest();
  // Nothing: all tasks.
  std::optional<TaskGroup> group() const { return group_; }
  // Tasks that go on are not asked again until the next run begins.
  void keep() { kept_ = true; }

  // How often who waits for the end of all tasks looks again: those that others have left behind
  // while they ended tell nobody of themselves.
  static constexpr base::Instant kLookAgain = 50'000;

 private:
  template <typename Visit>
  void for_each_left(Visit&& visit);
  // Those that have begun before the era `now`.
  void ask_older_than(std::uint32_t now);

  const std::optional<TaskGroup> group_;
  bool kept_ = false;
  const std::int64_t outer_;  // of a group: what is_ending() looked at before
};

// What ends a run before its coroutine has, or comes while the tasks that are left end.
struct Interruption {
  Ref exception;
  bool signalled = false;

  // A signal's handler has raised the exception that is set. False when one had before.
  bool add_signal() {
    Ref raised = Ref::steal(PyErr_GetRaisedException());
    if (!exception) exception = std::move(raised);
    return !std::exchange(signalled, true);
  }
};

// Waits until all tasks that `end` is about have ended, at most until `deadline`. False when some
// have not, or when a second signal asked to stop at once: the first one's exception is in
// `interruption`. Attached; keeps no exception set.
bool end_tasks(ThreadWait& wait, SignalWatch& signals, base::Instant deadline, EndOfTasks& end,
               Interruption& interruption);
// The same for a thread that waits for nothing else.
bool end_tasks(EndOfTasks& end, base::Instant deadline, Ref& interruption);

}  // namespace tonio::python
