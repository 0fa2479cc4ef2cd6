#include "sync/barrier.h"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>

#include "support/parallelize.h"
#include "support/resumed.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;

TEST_CASE("the arrival that completes a barrier wakes everybody; later ones pass") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker), last(waker), late(waker);
  sync::Barrier barrier(4);
  CHECK(barrier.value() == 0);
  for (auto* task : {&a, &b}) {
    REQUIRE(task->state().begin_arming());
    REQUIRE(barrier.wait(task->waiter()));
    REQUIRE(task->state().finish_arming());
  }
  CHECK(barrier.arrive() == 2);
  CHECK(barrier.value() == 3);
  CHECK(waker.count == 0);
  for (auto* task : {&last, &late}) {
    REQUIRE(task->state().begin_arming());
    CHECK(!barrier.wait(task->waiter()));
    CHECK(!task->waiter().linked());
    CHECK(!task->state().cancel_arming());
  }
  CHECK(waker.count == 2);
  CHECK(sync::Barrier::index_of(a.waiter()) == 0);
  CHECK(sync::Barrier::index_of(b.waiter()) == 1);
  CHECK(sync::Barrier::index_of(last.waiter()) == 3);
  CHECK(sync::Barrier::index_of(late.waiter()) == 4);
  CHECK(barrier.arrive() == 5);
  CHECK(barrier.value() == 6);
}

TEST_CASE("a cancelled waiter's arrival counts") {
  test::RecordingWaker waker;
  test::StepTask cancelled(waker), waits(waker);
  sync::Barrier barrier(3);
  for (auto* task : {&cancelled, &waits}) {
    REQUIRE(task->state().begin_arming());
    REQUIRE(barrier.wait(task->waiter()));
    REQUIRE(task->state().finish_arming());
  }
  cancelled.cancel();
  barrier.cancel_wait(cancelled.waiter());
  CHECK(barrier.value() == 2);
  CHECK(barrier.arrive() == 2);
  CHECK(waker.last == &waits);
  CHECK(waker.count == 2);
  CHECK(cancelled.state().reason() == task::WakeReason::kCancelled);
}

TEST_CASE("nobody passes before all have arrived, and each has an index of its own") {
  for (const int parties : {1, 2, 4, 8}) {
    for (int round = 0; round < test::rounds(200); ++round) {
      test::HandBackWaker waker;
      sync::Barrier barrier(static_cast<std::size_t>(parties));
      std::deque<test::StepTask> tasks;
      for (int i = 0; i < parties; ++i) tasks.emplace_back(waker);
      std::atomic<int> arrived{0}, early{0};
      std::atomic<std::uint32_t> indices{0};
      test::parallelize(parties, [&](int me) {
        auto& task = tasks[static_cast<std::size_t>(me)];
        if (!task.state().begin_arming()) ++early;
        ++arrived;
        if (barrier.wait(task.waiter())) {
          (void)test::until_resumed(task);
        } else {
          (void)task.state().cancel_arming();
        }
        if (arrived != parties) ++early;
        indices.fetch_or(1u << sync::Barrier::index_of(task.waiter()));
      });
      REQUIRE(early == 0);
      REQUIRE(indices == (1u << parties) - 1);
    }
  }
}
