#include "scheduler/inject_queue.h"

namespace tonio::scheduler {

void InjectQueue::push_back(task::Task& task) {
  base::MutexLock lock(mutex_);
  tasks_.push_back(task);
  size_.store(tasks_.size(), std::memory_order_release);
}

void InjectQueue::push_back_all(task::TaskList& tasks) {
  base::MutexLock lock(mutex_);
  tasks_.append(tasks);
  size_.store(tasks_.size(), std::memory_order_release);
}

void InjectQueue::pop(std::size_t count, task::TaskList& out) {
  if (empty()) return;
  base::MutexLock lock(mutex_);
  out.take_front(tasks_, count);
  size_.store(tasks_.size(), std::memory_order_release);
}

}  // namespace tonio::scheduler
