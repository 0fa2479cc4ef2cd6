// An unbounded run queue behind a lock: the one that all workers share, of tasks from threads that
// are no workers, and each worker's overflow.
#pragma once

#include <cstddef>

#include "base/atomic.h"
#include "base/mutex.h"
#include "task/task.h"

namespace tonio::scheduler {

class InjectQueue {
 public:
  void push_back(task::Task& task);
  void push_back_all(task::TaskList& tasks);

  // Moves up to `count` tasks to `out`.
  void pop(std::size_t count, task::TaskList& out);

  // A snapshot: exact only to who knows that nobody else is at work.
  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  bool empty() const { return size() == 0; }

 private:
  base::Mutex mutex_;
  task::TaskList tasks_;  // guarded by mutex_
  // Written under mutex_, so that idle workers needn't take the lock to look.
  base::Atomic<std::size_t> size_{0};
};

}  // namespace tonio::scheduler
