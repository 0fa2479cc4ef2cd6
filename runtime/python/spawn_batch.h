// A large spawn: makes its tasks a few at a time, as they come to run. Tasks that have
// not begun need no memory but a pointer, and one that begins is warm in the cache.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "python/join.h"
#include "python/py.h"
#include "python/thread_context.h"
#include "task/task.h"

namespace tonio::python {

class CoroTask;

class SpawnBatch final : public task::Task {
 public:
  // Tasks made per turn; few enough that they and what they wake fit a local queue.
  static constexpr std::size_t kAtOnce = 64;
  // How long first steps are run in a row, in microseconds, and after how many of them
  // the clock is looked at.
  static constexpr base::Instant kTurn = 50;
  static constexpr std::size_t kLookAtClock = 32;

  // Takes over `iterators`, a tuple that nobody else looks at, and the snapshot of
  // contextvars (null for none) that each task gets a copy of. The caller schedules it; it
  // deletes itself.
  SpawnBatch(task::Waker& waker, Ref iterators, Join& join, Ref context, TaskGroup group);

  Outcome run() override;

 private:
  // With one worker nobody could steal the new tasks, so their first steps are run at once
  // instead of by way of the queue. Those that go on join `ready`.
  void run_first_steps(std::size_t end, task::TaskList& ready);
  CoroTask& begin_next();

  std::size_t count() const { return static_cast<std::size_t>(PyTuple_GET_SIZE(iterators_.get())); }

  Ref iterators_;  // None in the places of those that have begun
  Join& join_;
  Ref context_;
  const TaskGroup group_;
  std::size_t next_ = 0;
};

}  // namespace tonio::python
