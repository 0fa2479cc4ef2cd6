#include "python/spawn_batch.h"

#include <algorithm>

#include "python/coro_task.h"
#include "python/host.h"

namespace tonio::python {

SpawnBatch::SpawnBatch(task::Waker& waker, std::vector<PyObject*> iterators, Join& join,
                       Ref context)
    : Task(waker), iterators_(std::move(iterators)), join_(join), context_(std::move(context)) {
  // Counts as a task itself, so that nobody takes the end of those it has made for the
  // end of all.
  Host::instance().count_begun();
  state().begin();
}

task::Task::Outcome SpawnBatch::run() {
  Host& host = Host::instance();
  const std::size_t end = std::min(next_ + kAtOnce, iterators_.size());
  task::TaskList made;
  for (; next_ < end; ++next_) {
    // A copy that can't be made leaves the task in its worker's context.
    PyObject* context = context_ ? PyContext_Copy(context_.get()) : nullptr;
    if (context_ && !context) PyErr_WriteUnraisable(context_.get());
    CoroTask& task = host.take_task();
    task.begin(iterators_[next_], join_, next_, context);
    made.push_back(task);
  }
  host.scheduler().spawn(made);
  if (next_ < iterators_.size()) return Outcome::kGaveWay;
  host.count_ended();
  delete this;
  return Outcome::kGone;
}

}  // namespace tonio::python
