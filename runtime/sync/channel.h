// A queue of messages between tasks, with any number of users on both ends. Thread-safe.
//
// A message is a pointer that is not null, and has one owner: the sender until it is sent,
// the channel while it is buffered, and the receiver from the claim that hands it over. A
// sender that waits for room lends its message to its waiter: a receiver takes it from
// there with the claim. So whoever is resumed finds in its waiter's payload what is its
// own: a receiver the message that it got, a sender the message that was not sent.
//
// First come first served on both ends. Receivers wait only while the buffer is empty,
// senders only while it is full.
#pragma once

#include <cstddef>
#include <deque>
#include <limits>

#include "base/mutex.h"
#include "task/wait_queue.h"

namespace tonio::sync {

class Channel {
 public:
  static constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();

  enum class Outcome {
    kDone,     // sent, or received
    kBlocked,  // no room, or no message; with a waiter: it is in line
    kClosed,   // the message that was to be sent is still the caller's
  };

  // At least one message, or kUnbounded.
  explicit Channel(std::size_t capacity) : capacity_(capacity) { TONIO_CHECK(capacity > 0); }

  // Puts the arming task in line when the message can't be sent, or received, at once. It
  // is resumed with kCompleted when it was, or by close(). Null: without waiting. Throw
  // std::bad_alloc: nothing was sent, or received.
  [[nodiscard]] Outcome send(void* message, task::Waiter* waiter = nullptr);
  [[nodiscard]] Outcome receive(void*& message, task::Waiter* waiter = nullptr);

  // By a task that is resumed with kCompleted. Sent, or closed: then the caller has its
  // message, the waiter's payload, back.
  static Outcome sent(const task::Waiter& waiter);
  // Received, or closed with nothing left.
  static Outcome received(const task::Waiter& waiter, void*& message);
  // By a task that is resumed for another reason. A sender has its message back.
  void cancel_send(task::Waiter& waiter);
  void cancel_receive(task::Waiter& waiter);

  // Takes back a message that was received and can't be used, closed or not: it is the
  // next to be received, and needs no room. Where there is no memory for it the process ends: it
  // would be lost.
  void put_back(void* message) noexcept;

  // Nothing more can be sent, what is buffered can be received. Wakes who waits.
  void close();

  // A buffered message, which is the caller's; null when there is none. For the owner that
  // gives the channel up: senders that wait are not looked at.
  void* take();

  // Visits the messages that are buffered and those that waiting senders carry, under the
  // lock; `visit` may not call back.
  template <typename Visit>
  void for_each_message(Visit&& visit) {
    base::MutexLock lock(mutex_);
    for (void* message : buffer_) visit(message);
    senders_.for_each([&](task::Waiter& waiter) { visit(waiter.payload); });
  }

 private:
  template <typename Act>
  Outcome locked(Act&& act);

  const std::size_t capacity_;
  base::Mutex mutex_;
  // All of these are guarded by mutex_.
  bool closed_ = false;
  std::deque<void*> buffer_;
  task::WaitQueue senders_;    // carry their messages
  task::WaitQueue receivers_;  // carry null
};

}  // namespace tonio::sync
