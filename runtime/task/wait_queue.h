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

  // Wakes the first waiter that nobody else has woken. False when there is none. The
  // waiter keeps the payload that it carries.
  [[nodiscard]] bool claim_first(TaskList& ready);
  // The same, handing `payload` over with it. When it gives false, whatever was to be
  // handed over is still the caller's.
  [[nodiscard]] bool claim_first(TaskList& ready, void* payload);
  // The same, where both sides have something to hand over: `payload` becomes what the
  // waiter carried. Waiters that somebody else has woken keep theirs.
  [[nodiscard]] bool exchange_first(TaskList& ready, void*& payload);

  // Wakes all, with the payloads that they carry. Gives the number of tasks claimed.
  std::size_t claim_all(TaskList& ready);

  template <typename Visit>
  void for_each(Visit&& visit) const {
    waiters_.for_each(visit);
  }

 private:
  base::IntrusiveList<Waiter> waiters_;
};

}  // namespace tonio::task
