#include "sync/barrier.h"

namespace tonio::sync {

std::size_t Barrier::value() {
  base::MutexLock lock(mutex_);
  return arrivals_;
}

std::size_t Barrier::count_arrival(task::TaskList& ready) {
  const std::size_t index = arrivals_++;
  if (arrivals_ == parties_) waiters_.claim_all(ready);
  return index;
}

std::size_t Barrier::arrive() {
  task::TaskList ready;
  std::size_t index;
  {
    base::MutexLock lock(mutex_);
    index = count_arrival(ready);
  }
  ready.wake_all();
  return index;
}

bool Barrier::wait(task::Waiter& waiter) {
  task::TaskList ready;
  bool waits;
  {
    base::MutexLock lock(mutex_);
    waiter.number = count_arrival(ready);
    waits = arrivals_ < parties_;
    if (waits) waiters_.push(waiter);
  }
  ready.wake_all();
  return waits;
}

void Barrier::cancel_wait(task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  waiters_.remove(waiter);
}

}  // namespace tonio::sync
