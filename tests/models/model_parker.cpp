// Parker: a token that is left is consumed once, whenever it comes; what was done before
// unpark() is seen by who consumes it; a request to watch is not lost.
#include "model.h"
#include "scheduler/parker.h"

using namespace tonio;
using namespace tonio::model;
using scheduler::Parker;

namespace {

void unpark_meets_sleep() {
  Parker parker;
  Owned work;
  parallel(
      [&] {
        const Parker::Woken woken = parker.sleep(base::kNever);
        require(woken.notified, "a sleep without end ends with a token");
        work.touch("the woken worker sees what was done before the wake");
      },
      [&] {
        work.touch("the work is the notifier's before the wake");
        (void)parker.unpark();
      });
}

void two_unparks() {
  Parker parker;
  base::Atomic<int> left{0};
  int sleeps = 0;
  const auto notify = [&] {
    left.fetch_add(1, std::memory_order_relaxed);
    (void)parker.unpark();
  };
  parallel(
      [&] {
        // As a worker does: it looks for work after each sleep. One token may stand for both.
        while (left.load(std::memory_order_relaxed) < 2) {
          require(parker.sleep(base::kNever).notified, "a sleep without end ends with a token");
          ++sleeps;
        }
      },
      notify, notify);
  require(sleeps <= 2, "a token is consumed once");
}

void token_meets_deadline() {
  Parker parker;
  parallel(
      [&] {
        if (parker.sleep(10).notified) return;
        require(parker.sleep(base::kNever).notified, "a token outlives a deadline");
      },
      [&] { (void)parker.unpark(); });
}

void watch_request_meets_token() {
  Parker parker;
  parallel(
      [&] {
        bool notified = false, watch = false;
        while (!notified || !watch) {
          const Parker::Woken woken = parker.sleep(base::kNever);
          require(woken.notified || woken.watch, "a sleep ends for a reason");
          require(!(notified && woken.notified) && !(watch && woken.watch),
                  "a token and a request are consumed once");
          notified = notified || woken.notified;
          watch = watch || woken.watch;
        }
      },
      [&] { (void)parker.unpark(); }, [&] { parker.request_watch(); });
}

void unpark_meets_drive() {
  Parker parker;
  base::Atomic<std::uint32_t> driver_woken{0};
  base::Atomic<int> work{0};
  parallel(
      [&] {
        if (parker.begin_drive()) {
          // Driver::poll
          while (driver_woken.load(std::memory_order_acquire) == 0) {
            base::futex_wait(driver_woken, 0);
          }
          parker.end_drive();
        }
        require(work.load(std::memory_order_relaxed) == 1,
                "who consumes a token sees the work, and a poll ends for it");
      },
      [&] {
        work.store(1, std::memory_order_relaxed);
        if (parker.unpark()) {
          driver_woken.store(1, std::memory_order_release);
          base::futex_wake(driver_woken, 1);
        }
      });
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds normal{2, 1}, deep{5, 2};
  return {{"unpark meets sleep", {}, {}, unpark_meets_sleep},
          {"two unparks meet sleeps", normal, deep, two_unparks},
          {"unpark meets a sleep's deadline", {}, {}, token_meets_deadline},
          {"a request to watch meets a token", normal, deep, watch_request_meets_token},
          {"unpark meets a drive", {}, {}, unpark_meets_drive}};
}
