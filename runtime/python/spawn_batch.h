// A spawn of several: makes its tasks a few at a time, as they come to run. Tasks that have
// not begun need no memory but a pointer, and one that begins is warm in the cache.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "python/join.h"
#include "python/py.h"
#include "python/thread_context.h"
#include "scheduler/worker.h"
#include "task/task.h"

namespace tonio::python {

class CoroTask;

class SpawnBatch final : public task::Task {
 public:
  // Tasks made per turn; few enough that they and what they wake fit a local queue. Who spawns
  // more takes turns in the worker's backlog.
  static constexpr std::size_t kAtOnce = 64;
  // How long first steps are run in a row, in microseconds, and after how many of them
  // the clock is looked at.
  static constexpr base::Instant kTurn = 200;
  static constexpr std::size_t kLookAtClock = 32;

  // Takes over `iterators`, a tuple that nobody else looks at, and the snapshot of
  // contextvars (null for none) that each task gets a copy of.
  // Throws std::bad_alloc.
  SpawnBatch(task::Waker& waker, Ref iterators, Join& join, Ref context, const Origin& origin);

  // Hands it to the scheduler. It deletes itself. What was not scheduled is the caller's.
  void schedule();

  Outcome run() override;
  task::Task* split() override;

 private:
  // What the parts of a split spawn share.
  struct Spawned {
    Ref iterators;  // None in the places of those that have begun
    Join& join;
    Ref context;
    const Origin origin;
    std::size_t count() const {
      return static_cast<std::size_t>(PyTuple_GET_SIZE(iterators.get()));
    }
  };
  // The numbers of the coroutines that have not begun, in one word: the worker takes from its
  // begin while colleagues split off from its end.
  struct Range {
    std::uint32_t begin;
    std::uint32_t end;
  };

  SpawnBatch(task::Waker& waker, std::shared_ptr<Spawned> spawned, Range range, bool has_list);

  void count_in();
  bool is_large() const { return spawned_->count() > kAtOnce; }
  // Runs first steps at once instead of by way of the queue.
  void run_first_steps(scheduler::Worker& worker, bool alone);
  // Puts the tasks into the queue, where colleagues find them.
  void begin_all();
  // The next one's number, if there is one. `alone`: no colleague can split this.
  std::optional<std::uint32_t> take(bool alone);
  // Null: there is no memory for a task, which is this one's failure.
  CoroTask* begin(std::uint32_t number);
  void fail(std::uint32_t number);

  task::Waker& waker_;
  const std::shared_ptr<Spawned> spawned_;
  std::atomic<Range> range_;
  std::atomic<bool> has_list_;  // Join::make_list() has been called
};

}  // namespace tonio::python
