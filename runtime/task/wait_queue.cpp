#include "task/wait_queue.h"

namespace tonio::task {

bool WaitQueue::claim_first(TaskList& ready, void* payload) {
  while (Waiter* waiter = waiters_.pop_front()) {
    waiter->payload = payload;
    Task& task = waiter->task;
    switch (task.state().claim(WakeReason::kCompleted)) {
      case Claim::kLost:
        continue;
      case Claim::kInPlace:
        return true;
      case Claim::kSchedule:
        ready.push_back(task);
        return true;
    }
  }
  return false;
}

std::size_t WaitQueue::claim_all(TaskList& ready) {
  std::size_t claimed = 0;
  while (claim_first(ready)) ++claimed;
  return claimed;
}

}  // namespace tonio::task
