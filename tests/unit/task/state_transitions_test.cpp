#include <doctest/doctest.h>

#include "task/task_state.h"

using namespace tonio::task;

TEST_CASE("a suspension: armed, let go, claimed") {
  TaskState state;
  CHECK(state.ended());
  state.begin();
  CHECK(!state.ended());
  REQUIRE(state.begin_arming());
  CHECK(!state.suspended());
  REQUIRE(state.finish_arming());
  CHECK(state.suspended());
  CHECK(state.claim(WakeReason::kTimedOut) == Claim::kSchedule);
  CHECK(!state.suspended());
  CHECK(state.reason() == WakeReason::kTimedOut);
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kLost);
  CHECK(state.reason() == WakeReason::kTimedOut);
  // The next suspension forgets the last one's reason.
  REQUIRE(state.begin_arming());
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kInPlace);
  CHECK(!state.finish_arming());
  CHECK(state.reason() == WakeReason::kCompleted);
  state.end();
  CHECK(state.ended());
}

TEST_CASE(
    "a claim while arming leaves the task with its worker, and only one "
    "counts") {
  TaskState state;
  state.begin();
  REQUIRE(state.begin_arming());
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kInPlace);
  CHECK(state.claim(WakeReason::kTimedOut) == Claim::kLost);
  CHECK(!state.finish_arming());
  CHECK(state.reason() == WakeReason::kCompleted);
  CHECK(state.claim(WakeReason::kTimedOut) == Claim::kLost);
}

TEST_CASE("arming taken back tells whether a waker was faster") {
  TaskState state;
  state.begin();
  REQUIRE(state.begin_arming());
  CHECK(!state.cancel_arming());
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kLost);
  REQUIRE(state.begin_arming());
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kInPlace);
  CHECK(state.cancel_arming());
  CHECK(state.reason() == WakeReason::kCompleted);
}

TEST_CASE("nobody claims a task that runs or has ended") {
  TaskState state;
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kLost);
  CHECK(state.request_cancel() == Claim::kLost);
  CHECK(!state.cancel_requested());
  state.begin();
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kLost);
}

TEST_CASE("a cancel request to a running task waits for the next suspension") {
  TaskState state;
  state.begin();
  CHECK(state.request_cancel() == Claim::kLost);
  CHECK(state.cancel_requested());
  CHECK(!state.begin_arming());
  state.deliver_cancel();
  CHECK(!state.cancel_requested());
  CHECK(state.begin_arming());
  CHECK(state.finish_arming());
}

TEST_CASE("a cancel request claims an arming task in place") {
  TaskState state;
  state.begin();
  REQUIRE(state.begin_arming());
  CHECK(state.request_cancel() == Claim::kInPlace);
  CHECK(state.request_cancel() == Claim::kLost);
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kLost);
  CHECK(!state.finish_arming());
  CHECK(state.reason() == WakeReason::kCancelled);
  CHECK(state.cancel_requested());
  CHECK(!state.begin_arming());
  state.deliver_cancel();
  CHECK(state.begin_arming());
}

TEST_CASE("a cancel request makes a suspended task the requester's") {
  TaskState state;
  state.begin();
  REQUIRE(state.begin_arming());
  REQUIRE(state.finish_arming());
  CHECK(state.request_cancel() == Claim::kSchedule);
  CHECK(state.reason() == WakeReason::kCancelled);
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kLost);
  CHECK(state.request_cancel() == Claim::kLost);
}

TEST_CASE(
    "a cancel request after a claim keeps the claim's reason, and stays "
    "pending") {
  TaskState state;
  state.begin();
  REQUIRE(state.begin_arming());
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kInPlace);
  CHECK(state.request_cancel() == Claim::kLost);
  CHECK(!state.finish_arming());
  CHECK(state.reason() == WakeReason::kCompleted);
  CHECK(state.cancel_requested());
  CHECK(!state.begin_arming());

  state.deliver_cancel();
  REQUIRE(state.begin_arming());
  CHECK(state.claim(WakeReason::kCompleted) == Claim::kInPlace);
  CHECK(state.request_cancel() == Claim::kLost);
  CHECK(state.cancel_arming());
  CHECK(state.reason() == WakeReason::kCompleted);
  CHECK(state.cancel_requested());
}

TEST_CASE("a task object that comes into use again has no old request") {
  TaskState state;
  state.begin();
  CHECK(state.request_cancel() == Claim::kLost);
  state.end();
  CHECK(state.request_cancel() == Claim::kLost);
  state.begin();
  CHECK(!state.cancel_requested());
  CHECK(state.begin_arming());
}

TEST_CASE("a request for one task of the object does not reach the next one") {
  TaskState state;
  state.begin();
  const auto first = state.generation();
  state.mark_ending(first);
  CHECK(state.ends_with_run());
  CHECK(!state.has_heard_of_end());
  CHECK(state.request_end(first) == Claim::kLost);  // it runs
  CHECK(!state.has_heard_of_end());
  CHECK(!state.request_end(first));  // once
  CHECK(state.cancel_requested());
  CHECK(state.ends_with_run());
  state.end();
  CHECK(!state.request_end(first));
  CHECK(!state.mark_asked(first));

  state.begin();
  CHECK(!state.request_end(first));
  CHECK(!state.mark_asked(first));
  state.mark_ending(first);
  CHECK(!state.cancel_requested());
  CHECK(!state.ends_with_run());
  const auto second = state.generation();
  REQUIRE(state.begin_arming());
  state.mark_ending(second);
  REQUIRE(state.finish_arming());
  CHECK(state.generation() == second);
  CHECK(state.ends_with_run());
  CHECK(state.request_end(second) == Claim::kSchedule);
  CHECK(state.reason() == WakeReason::kCancelled);
  CHECK(state.ends_with_run());
  CHECK(!state.begin_arming());
  state.deliver_cancel();
  CHECK(state.has_heard_of_end());
  CHECK(state.begin_arming());
}
