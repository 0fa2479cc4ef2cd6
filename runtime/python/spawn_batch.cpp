#include "python/spawn_batch.h"

#include <algorithm>
#include <utility>

#include "python/coro_task.h"
#include "python/host.h"

namespace tonio::python {

SpawnBatch::SpawnBatch(task::Waker& waker, Ref iterators, Join& join, Ref context, TaskGroup group)
    : Task(waker),
      iterators_(std::move(iterators)),
      join_(join),
      context_(std::move(context)),
      group_(group) {
  // Counts as a task itself, so that nobody takes the end of those it has made for the
  // end of all.
  Host::instance().count_begun();
  state().begin();
}

task::Task::Outcome SpawnBatch::run() {
  Host& host = Host::instance();
  // Not when it is made: by now the caller may have freed a list just as large, that of the
  // coroutines, whose memory this one then gets.
  if (next_ == 0) join_.make_list(count());
  const std::size_t end = std::min(next_ + kAtOnce, count());
  task::TaskList ready;
  if (host.scheduler().workers() == 1) {
    run_first_steps(end, ready);
  } else {
    while (next_ < end) ready.push_back(begin_next());
  }
  host.scheduler().spawn(ready);
  if (next_ < count()) return Outcome::kGaveWay;
  host.count_ended();
  delete this;
  return Outcome::kGone;
}

void SpawnBatch::run_first_steps(std::size_t end, task::TaskList& ready) {
  const base::Instant until = base::now() + kTurn;
  while (next_ < end) {
    CoroTask& task = begin_next();
    if (task.run() == Outcome::kGaveWay) ready.push_back(task);
    if (next_ % kLookAtClock == 0 && next_ < end && base::now() >= until) break;
  }
}

CoroTask& SpawnBatch::begin_next() {
  // A copy that can't be made leaves the task in its worker's context.
  PyObject* context = context_ ? PyContext_Copy(context_.get()) : nullptr;
  if (context_ && !context) PyErr_WriteUnraisable(context_.get());
  CoroTask& task = Host::instance().take_task();
  PyObject*& slot = PyTuple_GET_ITEM(iterators_.get(), static_cast<Py_ssize_t>(next_));
  task.begin(std::exchange(slot, Py_None), join_, next_, context, group_);
  ++next_;
  return task;
}

}  // namespace tonio::python
