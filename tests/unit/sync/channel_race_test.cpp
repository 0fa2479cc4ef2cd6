#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "channel_case.h"
#include "support/parallelize.h"
#include "support/resumed.h"
#include "support/stress.h"

using namespace tonio;
using task::WakeReason;
using test::Outcome;

namespace {

enum class End { kDone, kClosed, kCancelled };

// As an operation sends: gives kDone only when the message was sent.
End send(sync::Channel& channel, test::StepTask& task, void* message) {
  Outcome outcome = channel.send(message);
  if (outcome == Outcome::kBlocked) {
    if (!task.state().begin_arming()) {
      task.state().deliver_cancel();
      return End::kCancelled;
    }
    outcome = channel.send(message, &task.waiter());
    if (outcome != Outcome::kBlocked) {
      (void)task.state().cancel_arming();
    } else if (test::until_resumed(task) == WakeReason::kCompleted) {
      outcome = sync::Channel::sent(task.waiter());
    } else {
      channel.cancel_send(task.waiter());
      return task.waiter().payload == message ? End::kCancelled : End::kDone;
    }
  }
  return outcome == Outcome::kDone ? End::kDone : End::kClosed;
}

// `give_up`: what was handed over goes back, as when the operation is
// abandoned.
End receive(sync::Channel& channel, test::StepTask& task, void*& message, bool give_up) {
  Outcome outcome = channel.receive(message);
  if (outcome == Outcome::kBlocked) {
    if (!task.state().begin_arming()) {
      task.state().deliver_cancel();
      return End::kCancelled;
    }
    outcome = channel.receive(message, &task.waiter());
    if (outcome != Outcome::kBlocked) {
      (void)task.state().cancel_arming();
    } else if (test::until_resumed(task) == WakeReason::kCompleted) {
      outcome = sync::Channel::received(task.waiter(), message);
    } else {
      channel.cancel_receive(task.waiter());
      return End::kCancelled;
    }
  }
  if (outcome == Outcome::kClosed) return End::kClosed;
  if (!give_up) return End::kDone;
  channel.put_back(message);
  return End::kCancelled;
}

struct Message {
  int value = 0;  // written by its sender, read by its receiver; TSAN looks at it
  std::atomic<int> sent{0}, received{0};
};

// Senders and receivers on one channel, with somebody who cancels them all the
// time. `close_after`: closes when so many messages have been received; 0: when
// the senders have ended.
void exchange(std::size_t capacity, int senders, int receivers, int each, long close_after) {
  test::HandBackWaker waker;
  sync::Channel channel(capacity);
  const auto count = static_cast<std::size_t>(senders * each);
  const auto messages = std::make_unique<Message[]>(count);
  std::deque<test::StepTask> tasks;
  for (int i = 0; i < senders + receivers; ++i) tasks.emplace_back(waker);
  std::atomic<int> sending{senders}, left{senders + receivers}, wrong{0};
  std::atomic<long> received{0};
  test::parallelize(senders + receivers + 1, [&](int me) {
    if (me == senders + receivers) {
      while (left > 0) {
        for (auto& task : tasks) task.cancel();
        if (sending == 0 || (close_after > 0 && received >= close_after)) channel.close();
        std::this_thread::yield();
      }
      return;
    }
    auto& task = tasks[static_cast<std::size_t>(me)];
    if (me < senders) {
      bool open = true;
      for (int i = 0; i < each && open; ++i) {
        Message& message = messages[static_cast<std::size_t>(me * each + i)];
        message.value = me + 1;
        for (;;) {
          const End end = send(channel, task, &message);
          if (end == End::kDone) ++message.sent;
          open = end != End::kClosed;
          if (end != End::kCancelled) break;
        }
      }
      --sending;
    } else {
      for (int i = 0;; ++i) {
        void* raw = nullptr;
        const End end = receive(channel, task, raw, i % 5 == 0);
        if (end == End::kClosed) break;
        if (end == End::kCancelled) continue;
        auto* message = static_cast<Message*>(raw);
        if (message->value == 0) ++wrong;
        ++message->received;
        ++received;
      }
    }
    --left;
  });
  // What was put back after the last receiver had gone.
  while (void* message = channel.take()) ++static_cast<Message*>(message)->received;
  for (std::size_t i = 0; i < count; ++i) {
    if (messages[i].sent != messages[i].received || messages[i].sent > 1) ++wrong;
    if (close_after == 0 && messages[i].sent != 1) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(received > 0);
}

}  // namespace

TEST_CASE("every message arrives exactly once, whoever is cancelled") {
  const int each = test::rounds(2'000);
  for (const std::size_t capacity : {std::size_t{1}, std::size_t{3}, sync::Channel::kUnbounded}) {
    exchange(capacity, 1, 1, each, 0);
    exchange(capacity, 3, 3, each, 0);
    exchange(capacity, 4, 1, each, 0);
    exchange(capacity, 1, 4, each, 0);
  }
}

TEST_CASE("closing while others send and receive loses nothing that was sent") {
  for (int round = 0; round < test::rounds(100); ++round) {
    exchange(round % 2 ? 1 : 3, 3, 3, 100, round % 50 + 1);
  }
}
