#include "sync/event.h"

namespace tonio::sync {

bool Event::set() {
  task::TaskList ready;
  {
    base::MutexLock lock(mutex_);
    if (set_.load(std::memory_order_relaxed)) return false;
    set_.store(true, std::memory_order_release);
    waiters_.claim_all(ready);
  }
  ready.wake_all();
  return true;
}

void Event::clear() {
  base::MutexLock lock(mutex_);
  set_.store(false, std::memory_order_release);
}

void Event::wake() {
  task::TaskList ready;
  {
    base::MutexLock lock(mutex_);
    waiters_.claim_all(ready);
  }
  ready.wake_all();
}

bool Event::wait(task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  if (set_.load(std::memory_order_relaxed)) return false;
  waiters_.push(waiter);
  return true;
}

void Event::cancel_wait(task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  waiters_.remove(waiter);
}

}  // namespace tonio::sync
