#include "task/cancel_scope.h"

#include <doctest/doctest.h>

#include <thread>

#include "support/step_task.h"

using namespace tonio;
using task::CancelScope;

TEST_CASE("a cancelled scope raises once in its host and ends there") {
  test::RecordingWaker waker;
  test::StepTask host(waker);
  CancelScope outer(false), inner(false);
  REQUIRE(outer.enter(host));
  REQUIRE(inner.enter(host));
  CHECK(inner.cancel());
  CHECK_FALSE(inner.cancel());
  REQUIRE(host.state().cancel_requested());
  CHECK(host.deliver_cancel() == inner.id());
  CHECK_FALSE(host.state().cancel_requested());
  CHECK(inner.leave(host));
  CHECK_FALSE(inner.leave(host));
  CHECK(outer.leave(host));
}

TEST_CASE("a scope that was cancelled before raises in the host that enters it") {
  test::RecordingWaker waker;
  test::StepTask host(waker), child(waker);
  for (const bool shield : {false, true}) {
    CancelScope scope(shield);
    CHECK(scope.cancel());
    REQUIRE(scope.enter(host));
    CHECK_FALSE(scope.cancel());
    CHECK(scope.admission() == CancelScope::Admission::kClosed);
    CHECK_FALSE(scope.add_child(child));
    REQUIRE(host.state().cancel_requested());
    CHECK(host.deliver_cancel() == scope.id());
    CHECK_FALSE(host.state().cancel_requested());
    CHECK(scope.leave(host));
  }
}

TEST_CASE("one delivery covers all requests and ends at the outermost") {
  test::RecordingWaker waker;
  test::StepTask host(waker);
  CancelScope outer(false), inner(false);
  REQUIRE(outer.enter(host));
  REQUIRE(inner.enter(host));
  inner.cancel();
  outer.cancel();
  CHECK(host.deliver_cancel() == outer.id());
  CHECK(inner.leave(host));
  CHECK_FALSE(host.state().cancel_requested());
  host.cancel();
  CHECK(host.deliver_cancel() == CancelScope::kWholeTask);
  CHECK(outer.leave(host));
}

TEST_CASE("a cancellation that takes the place of another goes as far out") {
  test::RecordingWaker waker;
  test::StepTask host(waker);
  CancelScope outer(false), middle(false), inner(false);
  REQUIRE(outer.enter(host));
  REQUIRE(middle.enter(host));
  REQUIRE(inner.enter(host));
  middle.cancel();
  CHECK(host.deliver_cancel() == middle.id());
  CHECK(inner.ends_at() == middle.id());
  CHECK(middle.ends_at() == middle.id());
  // The first one counts for the inner one, and leads on from where it ends.
  outer.cancel();
  CHECK(host.deliver_cancel() == outer.id());
  CHECK(inner.ends_at() == middle.id());
  CHECK(middle.ends_at() == outer.id());
  CHECK(inner.leave(host));
  CHECK(middle.leave(host));
  host.cancel();
  CHECK(host.deliver_cancel() == CancelScope::kWholeTask);
  CHECK(outer.ends_at() == CancelScope::kWholeTask);
  // What is raised before a scope is entered does not concern it.
  CancelScope late(false);
  REQUIRE(late.enter(host));
  CHECK(late.ends_at() == late.id());
  CHECK(late.leave(host));
  CHECK(outer.leave(host));
}

TEST_CASE("a request that nobody has met goes with its scope") {
  test::RecordingWaker waker;
  test::StepTask host(waker);
  CancelScope scope(false);
  REQUIRE(scope.enter(host));
  scope.cancel();
  CHECK(scope.leave(host));
  CHECK_FALSE(host.state().cancel_requested());
}

TEST_CASE("a shield holds requests from outside back until it is left") {
  test::RecordingWaker waker;
  test::StepTask host(waker);
  CancelScope outer(false), shield(true), inner(false);
  REQUIRE(outer.enter(host));
  outer.cancel();
  REQUIRE(host.state().cancel_requested());
  REQUIRE(shield.enter(host));
  CHECK_FALSE(host.state().cancel_requested());
  host.cancel();
  CHECK_FALSE(host.state().cancel_requested());
  REQUIRE(inner.enter(host));
  shield.cancel();
  CHECK(host.state().cancel_requested());
  CHECK(host.deliver_cancel() == shield.id());
  CHECK(inner.leave(host));
  CHECK(shield.leave(host));
  CHECK(host.state().cancel_requested());
  CHECK(host.deliver_cancel() == CancelScope::kWholeTask);
  CHECK(outer.leave(host));
}

TEST_CASE("a scope is over when it was left and its children have ended") {
  test::RecordingWaker waker;
  test::StepTask host(waker), child(waker);
  CancelScope scope(false);
  CHECK(scope.admission() == CancelScope::Admission::kNotEntered);
  CHECK_FALSE(scope.add_child(child));
  REQUIRE(scope.enter(host));
  REQUIRE(scope.add_child(child));
  scope.cancel();
  CHECK(child.state().cancel_requested());
  CHECK(scope.admission() == CancelScope::Admission::kClosed);
  CHECK(scope.leave(host));
  CHECK_FALSE(scope.over());
  REQUIRE(host.state().begin_arming());
  REQUIRE(scope.wait(host.waiter()));
  scope.remove_child(child);
  CHECK(scope.over());
  // Woken while it was about to let go.
  CHECK_FALSE(host.state().finish_arming());
}

TEST_CASE("tasks that end with their run are spared where nobody has asked for more") {
  using Ending = CancelScope::Ending;
  test::RecordingWaker waker;
  test::StepTask host(waker), child(waker), other(waker);
  CancelScope scope(false);
  REQUIRE(scope.enter(host));
  REQUIRE(scope.add_child(child));
  REQUIRE(scope.add_child(other));
  host.state().mark_ending(host.state().generation());
  child.state().mark_ending(child.state().generation());

  CHECK(scope.cancel(Ending::kSpare));
  CHECK(scope.cancelled());
  CHECK_FALSE(host.state().cancel_requested());
  CHECK_FALSE(child.state().cancel_requested());
  CHECK(other.state().cancel_requested());
  (void)other.deliver_cancel();

  CHECK_FALSE(scope.cancel(Ending::kSpare));
  CHECK_FALSE(child.state().cancel_requested());
  CHECK_FALSE(scope.cancel());  // not for the first time, but of those
  CHECK(host.state().cancel_requested());
  CHECK(child.state().cancel_requested());
  CHECK_FALSE(other.state().cancel_requested());
  (void)child.deliver_cancel();
  CHECK_FALSE(scope.cancel());
  CHECK_FALSE(child.state().cancel_requested());

  scope.remove_child(child);
  scope.remove_child(other);
  CHECK(scope.leave(host));
}

TEST_CASE("a scope that was cancelled before spares a host that ends with its run") {
  using Ending = CancelScope::Ending;
  test::RecordingWaker waker;
  test::StepTask host(waker), other(waker);
  host.state().mark_ending(host.state().generation());
  CancelScope scope(false), asked_for(false), of_other(false);
  CHECK(scope.cancel(Ending::kSpare));
  CHECK(asked_for.cancel(Ending::kSpare));
  CHECK_FALSE(asked_for.cancel());
  CHECK(of_other.cancel(Ending::kSpare));

  REQUIRE(scope.enter(host));
  CHECK_FALSE(host.state().cancel_requested());
  CHECK_FALSE(scope.cancel());  // of whom it has spared
  CHECK(host.state().cancel_requested());
  CHECK(host.deliver_cancel() == scope.id());
  CHECK(scope.leave(host));

  REQUIRE(asked_for.enter(host));
  CHECK(host.state().cancel_requested());
  CHECK(asked_for.leave(host));

  REQUIRE(of_other.enter(other));
  CHECK(other.state().cancel_requested());
  (void)other.deliver_cancel();
  other.state().mark_ending(other.state().generation());
  CHECK_FALSE(of_other.cancel());
  CHECK_FALSE(other.state().cancel_requested());
  CHECK(of_other.leave(other));
}

TEST_CASE("a scope spares a host that hears of the end of its run in it") {
  using Ending = CancelScope::Ending;
  test::RecordingWaker waker;
  test::StepTask host(waker);
  CancelScope before(false), after(false);
  (void)host.ask_to_end(host.state().generation());
  REQUIRE(before.enter(host));
  (void)host.deliver_cancel();
  CHECK(before.cancel(Ending::kSpare));
  CHECK_FALSE(host.state().cancel_requested());
  // It cleans up.
  REQUIRE(after.enter(host));
  CHECK(after.cancel(Ending::kSpare));
  CHECK(host.state().cancel_requested());
  CHECK(after.leave(host));
  CHECK(before.leave(host));
}

TEST_CASE("a task that ends leaves no scope behind that refers to it") {
  test::RecordingWaker waker;
  test::StepTask host(waker);
  CancelScope outer(false), inner(true);
  REQUIRE(outer.enter(host));
  REQUIRE(inner.enter(host));
  host.drop_scopes();
  CHECK(outer.over());
  CHECK(inner.over());
  CHECK(inner.cancel());
  CHECK_FALSE(host.state().cancel_requested());
}

TEST_CASE("cancelling from another thread races with leaving") {
  test::RecordingWaker waker;
  test::StepTask host(waker);
  for (int i = 0; i < 2'000; ++i) {
    CancelScope scope(false);
    REQUIRE(scope.enter(host));
    std::thread other([&] { scope.cancel(); });
    if (host.state().cancel_requested()) {
      CHECK(host.deliver_cancel() == scope.id());
    }
    CHECK(scope.leave(host));
    CHECK_FALSE(host.state().cancel_requested());
    other.join();
  }
}
