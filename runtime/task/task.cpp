#include "task/task.h"

namespace tonio::task {

void TaskList::append(TaskList& other) {
  if (other.empty()) return;
  if (tail_) {
    tail_->next_ = other.head_;
  } else {
    head_ = other.head_;
  }
  tail_ = other.tail_;
  size_ += other.size_;
  other.head_ = other.tail_ = nullptr;
  other.size_ = 0;
}

void TaskList::take_front(TaskList& other, std::size_t count) {
  if (count >= other.size_) return append(other);
  while (count-- > 0) push_back(*other.pop_front());
}

void TaskList::wake_all() {
  while (Task* task = pop_front()) task->wake();
}

}  // namespace tonio::task
