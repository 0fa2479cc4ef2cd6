#include "python/spawn_batch.h"

#include <algorithm>
#include <utility>

#include "python/coro_task.h"
#include "python/host.h"

namespace tonio::python {

SpawnBatch::SpawnBatch(task::Waker& waker, PyObject** slots, std::size_t count,
                       std::vector<PyObject*> storage, Join& join, Ref context)
    : Task(waker),
      slots_(slots),
      count_(count),
      storage_(std::move(storage)),
      join_(join),
      context_(std::move(context)) {
  // Counts as a task itself, so that nobody takes the end of those it has made for the
  // end of all.
  Host::instance().count_begun();
  state().begin();
}

task::Task::Outcome SpawnBatch::run() {
  Host& host = Host::instance();
  const std::size_t end = std::min(next_ + kAtOnce, count_);
  task::TaskList ready;
  if (host.scheduler().workers() == 1) {
    run_first_steps(end, ready);
  } else {
    while (next_ < end) ready.push_back(begin_next());
  }
  host.scheduler().spawn(ready);
  if (next_ < count_) return Outcome::kGaveWay;
  host.count_ended();
  delete this;
  return Outcome::kGone;
}

void SpawnBatch::run_first_steps(std::size_t end, task::TaskList& ready) {
  const base::Instant until = base::now() + kTurn;
  while (next_ < end) {
    task::Task& task = begin_next();
    if (task.run() == Outcome::kGaveWay) ready.push_back(task);
    if (next_ % kLookAtClock == 0 && next_ < end && base::now() >= until) break;
  }
}

task::Task& SpawnBatch::begin_next() {
  // A copy that can't be made leaves the task in its worker's context.
  PyObject* context = context_ ? PyContext_Copy(context_.get()) : nullptr;
  if (context_ && !context) PyErr_WriteUnraisable(context_.get());
  CoroTask& task = Host::instance().take_task();
  task.begin(std::exchange(slots_[next_], nullptr), join_, next_, context);
  ++next_;
  return task;
}

}  // namespace tonio::python
