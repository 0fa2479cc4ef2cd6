#include "task/wait_queue.h"

#include <utility>

namespace tonio::task {
namespace {

bool claim(Waiter& waiter, TaskList& ready) {
  switch (waiter.task.state().claim(WakeReason::kCompleted)) {
    case Claim::kLost:
      return false;
    case Claim::kInPlace:
      return true;
    case Claim::kSchedule:
      ready.push_back(waiter.task);
      return true;
  }
  return false;
}

}  // namespace

bool WaitQueue::claim_first(TaskList& ready) {
  while (Waiter* waiter = waiters_.pop_front()) {
    if (claim(*waiter, ready)) return true;
  }
  return false;
}

bool WaitQueue::claim_first(TaskList& ready, void* payload) {
  return exchange_first(ready, payload);
}

bool WaitQueue::exchange_first(TaskList& ready, void*& payload) {
  while (Waiter* waiter = waiters_.pop_front()) {
    // Before the claim: after it the task may be running.
    void* const carried = std::exchange(waiter->payload, payload);
    if (claim(*waiter, ready)) {
      payload = carried;
      return true;
    }
    // The task that was woken by somebody else needs the lock before it looks at it.
    waiter->payload = carried;
  }
  return false;
}

std::size_t WaitQueue::claim_all(TaskList& ready) {
  std::size_t claimed = 0;
  while (claim_first(ready)) ++claimed;
  return claimed;
}

}  // namespace tonio::task
