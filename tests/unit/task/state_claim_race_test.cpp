#include <doctest/doctest.h>

#include <atomic>
#include <barrier>

#include "support/parallelize.h"
#include "support/stress.h"
#include "task/task_state.h"

using namespace tonio;
using namespace tonio::task;

// Claimers, cancellers and the worker that lets go of the task meet at each
// suspension.
TEST_CASE("exactly one claim wins per suspension") {
  for (const int threads : {2, 4, 8, 64}) {
    TaskState state;
    state.begin();
    std::atomic<int> scheduled{0}, in_place{0};
    int suspended = 0, resumed_in_place = 0, wrong = 0, seen_cancel = 0;
    long plain = 0;  // handed on with the claims; TSAN looks at it
    const int suspensions = test::rounds(threads > 8 ? 500 : 5'000);
    std::barrier round(threads);
    test::parallelize(threads, [&](int me) {
      for (int i = 0; i < suspensions; ++i) {
        if (me == 0) {
          if (!state.begin_arming()) {
            state.deliver_cancel();
            if (!state.begin_arming()) ++wrong;
          }
        }
        round.arrive_and_wait();
        if (me == 0) {
          // Both ways in which arming ends.
          if (i % 3 == 0) {
            if (state.cancel_arming()) {
              ++resumed_in_place;
            } else {
              ++scheduled;  // nobody won: the task itself stays the owner
            }
          } else if (state.finish_arming()) {
            ++suspended;
          } else {
            ++resumed_in_place;
          }
        } else {
          const Claim claim = me % 3 == 0   ? state.request_cancel()
                              : me % 3 == 1 ? state.claim(WakeReason::kCompleted)
                                            : state.claim(WakeReason::kTimedOut);
          if (claim == Claim::kSchedule) {
            ++scheduled;
            ++plain;
          } else if (claim == Claim::kInPlace) {
            ++in_place;
          }
        }
        round.arrive_and_wait();
        if (me == 0) {
          if (state.suspended()) ++wrong;
          if (state.cancel_requested()) {
            ++seen_cancel;
            state.deliver_cancel();
          }
          if (scheduled + in_place != i + 1) ++wrong;
        }
      }
    });
    CHECK(wrong == 0);
    CHECK(scheduled + in_place == suspensions);
    CHECK(resumed_in_place == in_place);
    if (threads > 3) CHECK(seen_cancel > 0);
  }
}
