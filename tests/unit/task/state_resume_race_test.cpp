#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "support/parallelize.h"
#include "support/stress.h"
#include "task/task_state.h"

using namespace tonio;
using namespace tonio::task;

// No barriers: the claimer that wins runs the next suspension itself, as a
// scheduler's worker would, while the others go on claiming.
TEST_CASE("a task moves from thread to thread with its claims") {
  for (const int threads : {2, 4, 8, 64}) {
    TaskState state;
    state.begin();
    const long target = test::rounds(threads > 8 ? 1'000 : 10'000);
    long steps = 0;  // touched by the task's owner only
    std::atomic<bool> done{false};
    const auto own = [&] {
      for (;;) {
        if (++steps >= target) {
          done = true;
          return;
        }
        if (!state.begin_arming()) {
          state.deliver_cancel();
          continue;
        }
        if (state.finish_arming()) return;
      }
    };
    own();
    test::parallelize(threads, [&](int me) {
      while (!done) {
        const Claim claim =
            me % 4 == 3 ? state.request_cancel() : state.claim(WakeReason::kCompleted);
        if (claim == Claim::kSchedule) own();
        std::this_thread::yield();
      }
    });
    CHECK(steps == target);
  }
}
