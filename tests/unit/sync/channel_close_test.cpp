#include "channel_case.h"

using namespace tonio;
using test::Outcome;

TEST_CASE("closing wakes receivers, and later ones don't wait") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker);
  sync::Channel channel(1);
  int m = 0;
  test::suspend_receiving(channel, a);
  test::suspend_receiving(channel, b);
  channel.close();
  CHECK(waker.count == 2);
  CHECK(test::got(a) == nullptr);
  CHECK(test::got(b) == nullptr);
  void* message = nullptr;
  CHECK(channel.receive(message) == Outcome::kClosed);
  CHECK(channel.send(&m) == Outcome::kClosed);
  channel.close();
  CHECK(waker.count == 2);
}

TEST_CASE(
    "closing wakes senders, whose messages were not sent; what is buffered is "
    "received") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker);
  sync::Channel channel(1);
  int m[3];
  REQUIRE(channel.send(&m[0]) == Outcome::kDone);
  test::suspend_sending(channel, a, m[1]);
  test::suspend_sending(channel, b, m[2]);
  channel.close();
  CHECK(waker.count == 2);
  for (auto* task : {&a, &b}) {
    CHECK(task->state().reason() == task::WakeReason::kCompleted);
    CHECK(sync::Channel::sent(task->waiter()) == Outcome::kClosed);
  }
  CHECK(a.waiter().payload == &m[1]);
  CHECK(b.waiter().payload == &m[2]);
  CHECK(test::next(channel) == &m[0]);
  CHECK(test::next(channel) == nullptr);
}
