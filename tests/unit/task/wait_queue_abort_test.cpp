#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "base/mutex.h"
#include "support/parallelize.h"
#include "support/step_task.h"
#include "support/stress.h"
#include "task/wait_queue.h"

using namespace tonio;
using task::Claim;
using task::WakeReason;

TEST_CASE("a task resumed for another reason leaves the line by itself") {
  test::RecordingWaker waker;
  test::StepTask first(waker), second(waker);
  task::WaitQueue queue;
  task::TaskList ready;
  for (auto* task : {&first, &second}) {
    REQUIRE(task->state().begin_arming());
    queue.push(task->waiter());
    REQUIRE(task->state().finish_arming());
  }
  first.cancel();
  queue.remove(first.waiter());
  queue.remove(first.waiter());  // no effect
  CHECK(queue.claim_all(ready) == 1);
  CHECK(ready.pop_front() == &second);
}

// Permits are handed over while the receivers are cancelled: none may get lost,
// and none may arrive twice.
TEST_CASE(
    "a permit handed over during a cancellation is either received or still "
    "there") {
  struct Permits {
    base::Mutex mutex;
    task::WaitQueue queue;
    int free = 0;
  } permits;
  const int pairs = 3;
  const int each = test::rounds(10'000);
  std::atomic<long> received{0};
  std::atomic<int> receivers_left{pairs};
  test::parallelize(pairs * 2 + 1, [&](int me) {
    static test::RecordingWaker waker;
    static test::StepTask tasks[pairs] = {test::StepTask(waker), test::StepTask(waker),
                                          test::StepTask(waker)};
    if (me == pairs * 2) {
      // Hands permits over, one after the other.
      for (long n = 0; receivers_left > 0; ++n) {
        task::TaskList ready;
        base::MutexLock lock(permits.mutex);
        if (!permits.queue.claim_first(ready)) ++permits.free;
        ready.clear();
      }
      return;
    }
    test::StepTask& task = tasks[me % pairs];
    if (me >= pairs) {
      while (receivers_left > 0) {
        if (task.state().request_cancel() == Claim::kLost) std::this_thread::yield();
      }
      return;
    }
    for (int i = 0; i < each; ++i) {
      {
        base::MutexLock lock(permits.mutex);
        if (permits.free > 0) {
          --permits.free;
          ++received;
          continue;
        }
        if (!task.state().begin_arming()) {
          task.state().deliver_cancel();
          continue;
        }
        permits.queue.push(task.waiter());
      }
      if (task.state().finish_arming()) {
        while (task.state().suspended()) std::this_thread::yield();
      }
      if (task.state().reason() == WakeReason::kCompleted) {
        ++received;
      } else {
        base::MutexLock lock(permits.mutex);
        permits.queue.remove(task.waiter());
      }
    }
    --receivers_left;
  });
  CHECK(permits.queue.empty());
  CHECK(received > 0);
}
