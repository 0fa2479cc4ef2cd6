// sync::Channel: every message that was sent is received once, one that was not sent is
// back with its sender, nobody waits on a closed channel, no lock is left behind.
//
// The ends follow send_start, receive_start and their resume functions of
// runtime/python/channel.cpp.
#include "sync/channel.h"

#include "model.h"
#include "suspending.h"

using namespace tonio;
using namespace tonio::model;
using sync::Channel;
using task::WakeReason;

namespace {

enum class End { kDone, kClosed, kCancelled };

End end_of(Channel::Outcome outcome) {
  return outcome == Channel::Outcome::kDone ? End::kDone : End::kClosed;
}

// A message with the number of times that it was sent and received.
struct Message {
  Owned content;
  End sent = End::kCancelled;
  int received = 0;
};

struct Party {
  explicit Party(Channel& to) : channel(to) {}
  ~Party() { task.check(); }

  void send(Message& message) {
    message.content.touch("a message has one owner at a time");
    message.sent = try_send(message);
    if (message.sent != End::kDone) {
      message.content.touch("a message that was not sent is its sender's");
    }
  }

  End receive() {
    void* message = nullptr;
    const End end = try_receive(message);
    if (end == End::kDone) {
      auto* const got = static_cast<Message*>(message);
      got->content.touch("a message has one owner at a time");
      ++got->received;
    }
    return end;
  }

  // A receiver that is abandoned when it has got its message (receive_abandon).
  End receive_in_vain() {
    void* message = nullptr;
    const End end = try_receive(message);
    if (end == End::kDone) {
      static_cast<Message*>(message)->content.touch("a message has one owner at a time");
      channel.put_back(message);
    }
    return end;
  }

  Channel& channel;
  SuspendingTask task;

 private:
  End cancelled() {
    (void)task.deliver_cancel();
    return End::kCancelled;
  }

  End try_send(Message& message) {
    Channel::Outcome outcome = channel.send(&message);
    if (outcome != Channel::Outcome::kBlocked) return end_of(outcome);
    if (!task.state().begin_arming()) return cancelled();
    outcome = channel.send(&message, &task.waiter());
    if (outcome != Channel::Outcome::kBlocked) {
      (void)task.state().cancel_arming();
      return end_of(outcome);
    }
    if (task.suspend() == WakeReason::kCompleted) return end_of(Channel::sent(task.waiter()));
    channel.cancel_send(task.waiter());
    require(!task.waiter().linked(), "who was cancelled is out of line");
    require(task.waiter().payload == &message, "who was not woken by the channel has its message");
    return cancelled();
  }

  End try_receive(void*& message) {
    Channel::Outcome outcome = channel.receive(message);
    if (outcome != Channel::Outcome::kBlocked) return end_of(outcome);
    if (!task.state().begin_arming()) return cancelled();
    outcome = channel.receive(message, &task.waiter());
    if (outcome != Channel::Outcome::kBlocked) {
      (void)task.state().cancel_arming();
      return end_of(outcome);
    }
    if (task.suspend() == WakeReason::kCompleted) {
      return end_of(Channel::received(task.waiter(), message));
    }
    channel.cancel_receive(task.waiter());
    require(!task.waiter().linked(), "who was cancelled is out of line");
    return cancelled();
  }
};

// What nobody has received is in the buffer still.
void settle(Channel& channel, std::initializer_list<Message*> messages) {
  const Alone alone("no lock is left behind");
  while (void* left = channel.take()) ++static_cast<Message*>(left)->received;
  for (const Message* message : messages) {
    require(message->received <= 1, "no message is delivered twice");
    require((message->sent == End::kDone) == (message->received == 1),
            "a message is delivered if it was sent, and only then");
  }
}

void close_meets_a_receiver() {
  Channel channel(1);
  {
    Party receiver(channel);
    parallel([&] { require(receiver.receive() == End::kClosed, "there was no message"); },
             [&] { channel.close(); });
  }
  settle(channel, {});
}

void close_meets_a_sender() {
  Channel channel(1);
  Message filler, message;
  {
    Party before(channel), sender(channel);
    before.send(filler);
    parallel(
        [&] {
          sender.send(message);
          require(message.sent == End::kClosed, "there was no room");
        },
        [&] { channel.close(); });
  }
  settle(channel, {&filler, &message});
}

void close_meets_a_sender_that_gets_room() {
  Channel channel(1);
  Message filler, message;
  {
    Party before(channel), sender(channel);
    before.send(filler);
    parallel([&] { sender.send(message); },
             [&] { require(before.receive() == End::kDone, "a message is received"); },
             [&] { channel.close(); });
  }
  settle(channel, {&filler, &message});
}

void close_meets_both_ends() {
  Channel channel(1);
  Message first, second;
  {
    Party sender(channel), receiver(channel);
    parallel(
        [&] {
          sender.send(first);
          sender.send(second);
        },
        [&] {
          while (receiver.receive() == End::kDone) {
          }
        },
        [&] { channel.close(); });
  }
  settle(channel, {&first, &second});
}

void close_meets_waiting_senders() {
  Channel channel(1);
  Message filler, first, second;
  {
    Party before(channel), one(channel), other(channel);
    before.send(filler);
    parallel([&] { one.send(first); }, [&] { other.send(second); }, [&] { channel.close(); },
             [&] { (void)before.receive(); });
  }
  settle(channel, {&filler, &first, &second});
}

void close_meets_waiting_receivers() {
  Channel channel(1);
  Message message;
  {
    Party sender(channel), one(channel), other(channel);
    parallel([&] { (void)one.receive(); }, [&] { (void)other.receive(); },
             [&] {
               sender.send(message);
               channel.close();
             });
    require(message.sent == End::kDone, "the channel was open");
  }
  settle(channel, {&message});
}

void waiting_senders_get_room() {
  Channel channel(1);
  Message messages[3];
  {
    Party one(channel), other(channel), receiver(channel);
    parallel(
        [&] {
          one.send(messages[0]);
          one.send(messages[1]);
        },
        [&] { other.send(messages[2]); },
        [&] {
          for (int i = 0; i < 3; ++i) {
            require(receiver.receive() == End::kDone, "the channel is open");
          }
        });
    for (const Message& message : messages) {
      require(message.sent == End::kDone, "the channel is open");
    }
  }
  settle(channel, {&messages[0], &messages[1], &messages[2]});
}

void cancelled_receiver_meets_sender() {
  Channel channel(1);
  Message message;
  {
    Party sender(channel), one(channel), other(channel);
    End end = End::kCancelled;
    parallel([&] { end = one.receive(); }, [&] { sender.send(message); },
             [&] { one.task.cancel(); });
    if (end == End::kCancelled) {
      require(other.receive() == End::kDone, "what the cancelled receiver did not get is left");
    }
  }
  settle(channel, {&message});
}

void cancelled_sender_meets_receiver() {
  Channel channel(1);
  Message filler, message;
  {
    Party sender(channel), receiver(channel);
    receiver.send(filler);
    parallel([&] { sender.send(message); },
             [&] { require(receiver.receive() == End::kDone, "the channel is open"); },
             [&] { sender.task.cancel(); });
  }
  settle(channel, {&filler, &message});
}

void put_back_meets_close() {
  Channel channel(1);
  Message message;
  {
    Party sender(channel), receiver(channel);
    parallel([&] { (void)receiver.receive_in_vain(); }, [&] { sender.send(message); },
             [&] { channel.close(); });
  }
  settle(channel, {&message});
}

void put_back_meets_a_receiver() {
  Channel channel(1);
  Message message;
  {
    Party sender(channel), one(channel), other(channel);
    parallel([&] { (void)one.receive_in_vain(); },
             [&] {
               require(other.receive() == End::kDone, "what was put back is for the next in line");
               channel.close();
             },
             [&] { sender.send(message); });
  }
  settle(channel, {&message});
}

// Where a waiting sender's message has taken the room.
void put_back_needs_no_room() {
  Channel channel(1);
  Message first, second;
  {
    Party sender(channel), one(channel), other(channel);
    sender.send(first);
    parallel([&] { sender.send(second); }, [&] { (void)one.receive_in_vain(); },
             [&] {
               for (int i = 0; i < 2; ++i) {
                 require(other.receive() == End::kDone, "the channel is open");
               }
               channel.close();
             });
  }
  settle(channel, {&first, &second});
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds all_orders{kNoBound, 1}, narrow{1, 1}, normal{2, 1}, deep{3, 2};
  return {
      {"close meets a receiver", {}, {}, close_meets_a_receiver},
      {"close meets a waiting sender", {}, {}, close_meets_a_sender},
      {"close meets a sender that gets room", {}, {}, close_meets_a_sender_that_gets_room},
      {"close meets both ends", narrow, normal, close_meets_both_ends},
      {"close meets waiting senders", narrow, normal, close_meets_waiting_senders},
      {"close meets waiting receivers", narrow, {}, close_meets_waiting_receivers},
      {"waiting senders get room", narrow, deep, waiting_senders_get_room},
      {"a cancelled receiver meets a sender", all_orders, {}, cancelled_receiver_meets_sender},
      {"a cancelled sender meets a receiver", all_orders, {}, cancelled_sender_meets_receiver},
      {"a message is put back as the channel closes", {}, {}, put_back_meets_close},
      {"a message is put back before a receiver in line", narrow, {}, put_back_meets_a_receiver},
      {"a message is put back where there is no room", narrow, deep, put_back_needs_no_room}};
}
