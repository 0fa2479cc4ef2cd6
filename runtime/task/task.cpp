#include "task/task.h"

#include <thread>

#include "task/cancel_scope.h"

namespace tonio::task {

void Task::cancel() {
  if (request_cancel(nullptr)) wake();
}

bool Task::shielded_from(const CancelScope* scope) const {
  for (const CancelScope* inner = innermost_.load(std::memory_order_relaxed);
       inner && inner != scope; inner = inner->outer_) {
    if (inner->shield_) return true;
  }
  return false;
}

bool Task::ask_to_end(TaskState::Generation generation) {
  base::MutexLock lock(cancel_mutex_);
  if (shielded_from(nullptr)) {
    // If this is the task that is meant, it stays so: it leaves its scopes under this lock.
    if (state_.mark_asked(generation)) undelivered_.store(true, std::memory_order_relaxed);
    return false;
  }
  // In this order: once it is asked it may end, and the next one begin. Whoever would see what
  // is taken back takes the lock.
  const bool undelivered = undelivered_.exchange(true, std::memory_order_relaxed);
  const std::optional<Claim> claim = state_.request_end(generation);
  if (!claim && !undelivered) undelivered_.store(false, std::memory_order_relaxed);
  return claim == Claim::kSchedule;
}

void Task::spare() {
  base::MutexLock lock(cancel_mutex_);
  state_.mark_asked();
}

bool Task::request_cancel(CancelScope* scope) {
  base::MutexLock lock(cancel_mutex_);
  return request_cancel_locked(scope);
}

bool Task::request_cancel_locked(CancelScope* scope) {
  if (scope) {
    scope->undelivered_ = true;
  } else {
    undelivered_.store(true, std::memory_order_relaxed);
  }
  return !shielded_from(scope) && state_.request_cancel() == Claim::kSchedule;
}

bool Task::shielded_at(const CancelScope& scope) {
  base::MutexLock lock(cancel_mutex_);
  const CancelScope* at = &scope;
  while (at && !at->shield_) at = at->outer_;
  return at;
}

std::vector<std::uint64_t> Task::scopes() {
  std::vector<std::uint64_t> ids;
  base::MutexLock lock(cancel_mutex_);
  for (const CancelScope* scope = innermost_.load(std::memory_order_relaxed); scope;
       scope = scope->outer_) {
    ids.push_back(scope->id_);
  }
  return ids;
}

std::uint64_t Task::cancel_target_locked() const {
  CancelScope::Id target = CancelScope::kWholeTask;
  for (const CancelScope* scope = innermost_.load(std::memory_order_relaxed); scope;
       scope = scope->outer_) {
    if (scope->undelivered_) target = scope->id_;
    if (scope->shield_) return target;
  }
  return undelivered_.load(std::memory_order_relaxed) ? CancelScope::kWholeTask : target;
}

std::uint64_t Task::cancel_target() {
  base::MutexLock lock(cancel_mutex_);
  return cancel_target_locked();
}

std::uint64_t Task::deliver_cancel() {
  base::MutexLock lock(cancel_mutex_);
  state_.deliver_cancel();
  const CancelScope::Id ends_at = cancel_target_locked();
  CancelScope* const innermost = innermost_.load(std::memory_order_relaxed);
  bool shielded = false;
  for (CancelScope* scope = innermost; scope && !shielded; scope = scope->outer_) {
    scope->undelivered_ = false;
    shielded = scope->shield_;
  }
  if (!shielded) undelivered_.store(false, std::memory_order_relaxed);
  for (CancelScope* scope = innermost; scope && scope->id_ != ends_at; scope = scope->outer_) {
    if (scope->ends_at_ == scope->id_) scope->ends_at_ = ends_at;
  }
  return ends_at;
}

void Task::renew_cancel_flag() {
  state_.deliver_cancel();
  bool any = false;
  CancelScope* scope = innermost_.load(std::memory_order_relaxed);
  for (; scope; scope = scope->outer_) {
    any = any || scope->undelivered_;
    if (scope->shield_) break;
  }
  if (!scope) any = any || undelivered_.load(std::memory_order_relaxed);
  // The task runs, so there is nobody to schedule.
  if (any) (void)state_.request_cancel();
}

void Task::renew_cancel() {
  base::MutexLock lock(cancel_mutex_);
  renew_cancel_flag();
}

void Task::link_scope(CancelScope& scope) {
  base::MutexLock lock(cancel_mutex_);
  scope.outer_ = innermost_.load(std::memory_order_relaxed);
  innermost_.store(&scope, std::memory_order_relaxed);
  if (scope.shield_) renew_cancel_flag();
}

void Task::unlink_scope(CancelScope& scope) {
  base::MutexLock lock(cancel_mutex_);
  // Nearly always the innermost one.
  CancelScope* inner = innermost_.load(std::memory_order_relaxed);
  if (inner == &scope) {
    innermost_.store(scope.outer_, std::memory_order_relaxed);
  } else {
    while (inner && inner->outer_ != &scope) inner = inner->outer_;
    if (inner) inner->outer_ = scope.outer_;
  }
  scope.outer_ = nullptr;
  if (scope.shield_ || scope.undelivered_) {
    scope.undelivered_ = false;
    renew_cancel_flag();
  }
}

void Task::drop_each_scope() {
  while (innermost_.load(std::memory_order_relaxed)) {
    cancel_mutex_.lock();
    CancelScope* scope = innermost_.load(std::memory_order_relaxed);
    // The other way round than the lock order, so it may only be tried. A scope in the
    // chain can't go away: it takes itself out under this task's lock.
    if (scope && scope->mutex_.try_lock()) {
      innermost_.store(scope->outer_, std::memory_order_relaxed);
      scope->outer_ = nullptr;
      scope->host_ = nullptr;
      scope->phase_ = CancelScope::Phase::kLeft;
      scope->mutex_.unlock();
      cancel_mutex_.unlock();
    } else {
      cancel_mutex_.unlock();
      std::this_thread::yield();
    }
  }
}

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
