// The end of tasks, with their run or with the program: they are asked, and waited for.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "python/run_interruption.h"
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
  // asked only when all that were asked before have ended. What waits too long for a blocking call
  // is told to leave that (abandon_late_calls).
  void ask_tasks();
  // Asks those as well that were being spawned while it asked the others, and no later ones.
  void ask_rest();
  // Nothing: all tasks.
  std::optional<TaskGroup> group() const { return group_; }
  // Tasks that go on are not asked again until the next run begins.
  void keep() { kept_ = true; }
  // Those that are left and were asked have had their time: the end of the program does not wait
  // for them. Gives their number.
  std::uint64_t give_up();

  // How often who waits for the end of all tasks looks again: those that others have left behind
  // while they ended tell nobody of themselves.
  static constexpr base::Instant kLookAgain = 50'000;

 private:
  template <typename Visit>
  void for_each_left(Visit&& visit);

  const std::optional<TaskGroup> group_;
  bool kept_ = false;
  std::uint32_t era_ = 0;     // of ask_tasks(): what has begun since is not asked
  const std::int64_t outer_;  // of a group: what is_ending() looked at before
};

// How a wait for tasks has ended: with all of them (of all tasks: but for those that are overdue),
// with the deadline, by a second signal, or because nothing can be waited for.
enum class Waited { kForAll, kUntilDeadline, kUntilSignal, kNot };

// Waits until all tasks that `end` is about have ended, and the blocking calls that they have
// abandoned; at most until `deadline`. What has interrupted the wait is in `interruption`.
// Attached; keeps no exception set.
[[nodiscard]] Waited end_tasks(ThreadWait& wait, SignalWatch& signals, base::Instant deadline,
                               EndOfTasks& end, Interruption& interruption);
// The same for a thread that waits for nothing else.
[[nodiscard]] Waited end_tasks(EndOfTasks& end, base::Instant deadline, Interruption& interruption);

// Waits until the blocking calls that have time left have ended, at most until `deadline` or a
// second signal. The same otherwise.
void end_calls(base::Instant deadline, Interruption& interruption);

}  // namespace tonio::python
