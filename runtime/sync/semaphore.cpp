#include "sync/semaphore.h"

namespace tonio::sync {

bool Semaphore::try_acquire() {
  // A look that finds none free needs no lock.
  if (available() == 0) return false;
  base::MutexLock lock(mutex_);
  const std::size_t free = free_.load(std::memory_order_relaxed);
  if (free == 0) return false;
  free_.store(free - 1, std::memory_order_relaxed);
  return true;
}

bool Semaphore::release() {
  task::TaskList ready;
  {
    base::MutexLock lock(mutex_);
    const std::size_t free = free_.load(std::memory_order_relaxed);
    if (free == limit_) return false;
    if (!waiters_.claim_first(ready)) free_.store(free + 1, std::memory_order_relaxed);
  }
  ready.wake_all();
  return true;
}

bool Semaphore::wait(task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  const std::size_t free = free_.load(std::memory_order_relaxed);
  if (free == 0) {
    waiters_.push(waiter);
    return true;
  }
  free_.store(free - 1, std::memory_order_relaxed);
  return false;
}

void Semaphore::cancel_wait(task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  waiters_.remove(waiter);
}

}  // namespace tonio::sync
