#include "sync/barrier.h"

#include <cstdint>

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
    waiter.payload = reinterpret_cast<void*>(static_cast<std::uintptr_t>(count_arrival(ready)));
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

std::size_t Barrier::index_of(const task::Waiter& waiter) {
  return reinterpret_cast<std::uintptr_t>(waiter.payload);
}

}  // namespace tonio::sync
