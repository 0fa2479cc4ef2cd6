#include "reactor/timer_queue.h"

#include <algorithm>

namespace tonio::reactor {

using task::TimerSlot;

bool TimerQueue::add(task::Task& task, base::Instant deadline) {
  base::MutexLock lock(mutex_);
  TONIO_DCHECK(TimerSlot::position(task) == TimerSlot::kNone);
  heap_.emplace_back();
  size_.store(heap_.size(), std::memory_order_relaxed);
  sift_up(static_cast<std::uint32_t>(heap_.size() - 1), {deadline, &task});
  return deadline < poll_ends_;
}

void TimerQueue::remove(task::Task& task) {
  base::MutexLock lock(mutex_);
  const std::uint32_t position = TimerSlot::position(task);
  if (position != TimerSlot::kNone) remove_at(position);
}

void TimerQueue::fire_due(base::Instant now, task::TaskList& ready) {
  if (size() == 0) return;
  base::MutexLock lock(mutex_);
  while (!heap_.empty() && heap_.front().deadline <= now) {
    task::Task& task = *heap_.front().task;
    remove_at(0);
    // Under the lock: the task can't have removed its timer and gone on.
    if (task.state().claim(task::WakeReason::kTimedOut) == task::Claim::kSchedule) {
      ready.push_back(task);
    }
  }
}

base::Instant TimerQueue::begin_poll(base::Instant latest) {
  base::MutexLock lock(mutex_);
  poll_ends_ = heap_.empty() ? latest : std::min(latest, heap_.front().deadline);
  return poll_ends_;
}

void TimerQueue::end_poll() {
  base::MutexLock lock(mutex_);
  poll_ends_ = 0;
}

void TimerQueue::place(std::uint32_t position, Entry entry) {
  heap_[position] = entry;
  TimerSlot::position(*entry.task) = position;
}

void TimerQueue::sift_up(std::uint32_t position, Entry entry) {
  while (position > 0) {
    const std::uint32_t parent = (position - 1) / kArity;
    if (heap_[parent].deadline <= entry.deadline) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, entry);
}

void TimerQueue::sift_down(std::uint32_t position, Entry entry) {
  const auto size = static_cast<std::uint32_t>(heap_.size());
  for (;;) {
    const std::uint32_t first = position * kArity + 1;
    if (first >= size) break;
    const std::uint32_t last = std::min(first + kArity, size);
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < last; ++child) {
      if (heap_[child].deadline < heap_[least].deadline) least = child;
    }
    if (entry.deadline <= heap_[least].deadline) break;
    place(position, heap_[least]);
    position = least;
  }
  place(position, entry);
}

void TimerQueue::remove_at(std::uint32_t position) {
  TimerSlot::position(*heap_[position].task) = TimerSlot::kNone;
  const Entry last = heap_.back();
  heap_.pop_back();
  size_.store(heap_.size(), std::memory_order_relaxed);
  if (position < heap_.size()) {
    // The last entry may belong above or below the hole.
    if (position > 0 && last.deadline < heap_[(position - 1) / kArity].deadline) {
      sift_up(position, last);
    } else {
      sift_down(position, last);
    }
  }
  // A million finished timers must not hold their memory for ever.
  if (heap_.capacity() > 1024 && heap_.size() * 8 < heap_.capacity()) heap_.shrink_to_fit();
}

}  // namespace tonio::reactor
