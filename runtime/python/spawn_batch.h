// A large spawn: makes its tasks a few at a time, as they come to run. Tasks that have
// not begun need no memory but a pointer, and one that begins is warm in the cache.
#pragma once

#include <cstddef>
#include <vector>

#include "python/join.h"
#include "python/py.h"
#include "task/task.h"

namespace tonio::python {

class SpawnBatch final : public task::Task {
 public:
  // Tasks made per turn; few enough that they and what they wake fit a local queue.
  static constexpr std::size_t kAtOnce = 64;

  // Takes over the iterators, and the snapshot of contextvars (null for none) that each
  // task gets a copy of. The caller schedules it; it deletes itself.
  SpawnBatch(task::Waker& waker, std::vector<PyObject*> iterators, Join& join, Ref context);

  Outcome run() override;

 private:
  std::vector<PyObject*> iterators_;
  Join& join_;
  Ref context_;
  std::size_t next_ = 0;
};

}  // namespace tonio::python
