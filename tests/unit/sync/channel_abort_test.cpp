#include "channel_case.h"

using namespace tonio;
using task::WakeReason;
using test::Outcome;

TEST_CASE(
    "a receiver that is cancelled before the hand-off puts no message in a "
    "hole") {
  test::RecordingWaker waker;
  test::StepTask cancelled(waker), next(waker);
  sync::Channel channel(1);
  int m[2];
  test::suspend_receiving(channel, cancelled);
  test::suspend_receiving(channel, next);
  cancelled.cancel();
  SUBCASE("and has left the line by then") { channel.cancel_receive(cancelled.waiter()); }
  SUBCASE("and has not run yet") {}
  CHECK(channel.send(&m[0]) == Outcome::kDone);
  CHECK(waker.last == &next);
  CHECK(test::got(next) == &m[0]);
  channel.cancel_receive(cancelled.waiter());
  CHECK(channel.send(&m[1]) == Outcome::kDone);
  CHECK(test::next(channel) == &m[1]);
}

TEST_CASE("a receiver that is cancelled after the hand-off has the message") {
  test::RecordingWaker waker;
  test::StepTask task(waker);
  sync::Channel channel(1);
  int m = 0;
  test::suspend_receiving(channel, task);
  CHECK(channel.send(&m) == Outcome::kDone);
  task.cancel();
  CHECK(test::got(task) == &m);
  CHECK(task.state().cancel_requested());
}

TEST_CASE(
    "a message that is put back is the next to be received, and needs no "
    "room") {
  test::RecordingWaker waker;
  test::StepTask sender(waker), receiver(waker);
  sync::Channel channel(1);
  int m[3];
  SUBCASE("in front of what is buffered") {
    REQUIRE(channel.send(&m[1]) == Outcome::kDone);
    test::suspend_sending(channel, sender, m[2]);
    channel.put_back(&m[0]);
    CHECK(test::next(channel) == &m[0]);
    // There is no room yet.
    CHECK(waker.count == 0);
    CHECK(test::next(channel) == &m[1]);
    CHECK(waker.last == &sender);
    CHECK(test::next(channel) == &m[2]);
  }
  SUBCASE("to a receiver that waits") {
    test::suspend_receiving(channel, receiver);
    channel.put_back(&m[0]);
    CHECK(waker.last == &receiver);
    CHECK(test::got(receiver) == &m[0]);
  }
  SUBCASE("also when the channel is closed") {
    channel.close();
    channel.put_back(&m[0]);
    CHECK(test::next(channel) == &m[0]);
  }
  CHECK(test::next(channel) == nullptr);
}

TEST_CASE("a sender that is cancelled before its message was taken has it back") {
  test::RecordingWaker waker;
  test::StepTask cancelled(waker), next(waker);
  sync::Channel channel(1);
  int m[3];
  REQUIRE(channel.send(&m[0]) == Outcome::kDone);
  test::suspend_sending(channel, cancelled, m[1]);
  test::suspend_sending(channel, next, m[2]);
  cancelled.cancel();
  SUBCASE("and has left the line by then") { channel.cancel_send(cancelled.waiter()); }
  SUBCASE("and has not run yet") {}
  CHECK(test::next(channel) == &m[0]);
  CHECK(waker.last == &next);
  channel.cancel_send(cancelled.waiter());
  CHECK(cancelled.waiter().payload == &m[1]);
  CHECK(test::next(channel) == &m[2]);
  CHECK(test::next(channel) == nullptr);
}

TEST_CASE("a sender that is cancelled after its message was taken has sent it") {
  test::RecordingWaker waker;
  test::StepTask task(waker);
  sync::Channel channel(1);
  int m[2];
  REQUIRE(channel.send(&m[0]) == Outcome::kDone);
  test::suspend_sending(channel, task, m[1]);
  CHECK(test::next(channel) == &m[0]);
  task.cancel();
  CHECK(task.state().reason() == WakeReason::kCompleted);
  CHECK(sync::Channel::sent(task.waiter()) == Outcome::kDone);
  CHECK(test::next(channel) == &m[1]);
}
