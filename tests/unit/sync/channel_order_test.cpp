#include "channel_case.h"

using namespace tonio;
using test::Outcome;

TEST_CASE("messages are received in the order in which they were sent") {
  test::RecordingWaker waker;
  test::StepTask c(waker), d(waker);
  sync::Channel channel(2);
  int m[4];
  CHECK(channel.send(&m[0]) == Outcome::kDone);
  CHECK(channel.send(&m[1]) == Outcome::kDone);
  CHECK(channel.send(&m[2]) == Outcome::kBlocked);
  test::suspend_sending(channel, c, m[2]);
  test::suspend_sending(channel, d, m[3]);
  // Each that is received makes room for one that waits.
  CHECK(test::next(channel) == &m[0]);
  CHECK(waker.last == &c);
  CHECK(sync::Channel::sent(c.waiter()) == Outcome::kDone);
  CHECK(waker.count == 1);
  CHECK(channel.send(&m[0]) == Outcome::kBlocked);
  CHECK(test::next(channel) == &m[1]);
  CHECK(waker.last == &d);
  CHECK(sync::Channel::sent(d.waiter()) == Outcome::kDone);
  CHECK(test::next(channel) == &m[2]);
  CHECK(test::next(channel) == &m[3]);
  CHECK(test::next(channel) == nullptr);
}

TEST_CASE("a message goes to the receiver that has waited longest") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker);
  sync::Channel channel(1);
  int m[3];
  test::suspend_receiving(channel, a);
  test::suspend_receiving(channel, b);
  CHECK(channel.send(&m[0]) == Outcome::kDone);
  CHECK(waker.last == &a);
  // It is a's: nobody finds it in the buffer.
  CHECK(test::next(channel) == nullptr);
  CHECK(channel.send(&m[1]) == Outcome::kDone);
  CHECK(waker.last == &b);
  CHECK(channel.send(&m[2]) == Outcome::kDone);
  CHECK(test::got(a) == &m[0]);
  CHECK(test::got(b) == &m[1]);
  CHECK(test::next(channel) == &m[2]);
  CHECK(waker.count == 2);
}

TEST_CASE("an unbounded channel takes everything") {
  sync::Channel channel(sync::Channel::kUnbounded);
  int m[1000];
  for (int& message : m) REQUIRE(channel.send(&message) == Outcome::kDone);
  for (int& message : m) REQUIRE(test::next(channel) == &message);
  CHECK(test::next(channel) == nullptr);
}

TEST_CASE("its owner sees every message that it holds") {
  test::RecordingWaker waker;
  test::StepTask sender(waker);
  sync::Channel channel(1);
  int m[2];
  REQUIRE(channel.send(&m[0]) == Outcome::kDone);
  test::suspend_sending(channel, sender, m[1]);
  std::vector<void*> seen;
  channel.for_each_message([&](void* message) { seen.push_back(message); });
  CHECK(seen == std::vector<void*>{&m[0], &m[1]});
  CHECK(channel.take() == &m[0]);
  CHECK(channel.take() == nullptr);
  sender.cancel();
  channel.cancel_send(sender.waiter());
  CHECK(sender.waiter().payload == &m[1]);
}
