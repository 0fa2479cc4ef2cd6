// Tasks that wait for the same thing, first come first served. It has no lock of
// its own: every member needs the lock of the object that the queue belongs to.
// Claims happen under that lock, so a waiter that is found linked stands for a
// task that is alive; waking happens after it, through the TaskList.
//
// The abort contract: a task that was resumed for another reason than kCompleted
// removes its own waiter (under the lock) before it goes on. Nobody else does.
#pragma once

#include "base/intrusive_list.h"
#include "task/task.h"

namespace tonio::task {

class WaitQueue {
 public:
  bool empty() const { return waiters_.empty(); }
  void push(Waiter& waiter) { waiters_.push_back(waiter); }
  // No effect when a waker has taken the waiter already.
  void remove(Waiter& waiter) { waiters_.remove(waiter); }

  // Wakes the first waiter that nobody else has woken, handing `payload` over with
  // it. False when there is none: whatever was to be handed over is still the
  // caller's.
  [[nodiscard]] bool claim_first(TaskList& ready, void* payload = nullptr);

  // Wakes all. Gives the number of tasks claimed.
  std::size_t claim_all(TaskList& ready);

  template <typename Visit>
  void for_each(Visit&& visit) const {
    waiters_.for_each(visit);
  }

 private:
  base::IntrusiveList<Waiter> waiters_;
};

}  // namespace tonio::task
