#include "sync/channel.h"

namespace tonio::sync {

// What `act` puts into its argument is woken after the lock.
template <typename Act>
Channel::Outcome Channel::locked(Act&& act) {
  task::TaskList ready;
  Outcome outcome;
  {
    base::MutexLock lock(mutex_);
    outcome = act(ready);
  }
  ready.wake_all();
  return outcome;
}

Channel::Outcome Channel::send(void* message, task::Waiter* waiter) {
  TONIO_DCHECK(message != nullptr);
  return locked([&](task::TaskList& ready) {
    if (closed_) return Outcome::kClosed;
    if (receivers_.claim_first(ready, message)) return Outcome::kDone;
    if (buffer_.size() < capacity_) {
      buffer_.push_back(message);
      return Outcome::kDone;
    }
    if (waiter) {
      waiter->payload = message;
      senders_.push(*waiter);
    }
    return Outcome::kBlocked;
  });
}

Channel::Outcome Channel::receive(void*& message, task::Waiter* waiter) {
  return locked([&](task::TaskList& ready) {
    if (buffer_.empty()) {
      if (closed_) return Outcome::kClosed;
      if (waiter) {
        waiter->payload = nullptr;
        receivers_.push(*waiter);
      }
      return Outcome::kBlocked;
    }
    // Not when a message that was put back has taken the room.
    const bool room = buffer_.size() <= capacity_;
    const bool exchange = room && !senders_.empty();
    // Its memory comes first: nothing may fail once a sender has been claimed.
    if (exchange) buffer_.push_back(nullptr);
    message = buffer_.front();
    buffer_.pop_front();
    if (exchange && !senders_.exchange_first(ready, buffer_.back())) buffer_.pop_back();
    return Outcome::kDone;
  });
}

Channel::Outcome Channel::sent(const task::Waiter& waiter) {
  return waiter.payload ? Outcome::kClosed : Outcome::kDone;
}

Channel::Outcome Channel::received(const task::Waiter& waiter, void*& message) {
  message = waiter.payload;
  return message ? Outcome::kDone : Outcome::kClosed;
}

void Channel::cancel_send(task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  senders_.remove(waiter);
}

void Channel::cancel_receive(task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  receivers_.remove(waiter);
}

void Channel::put_back(void* message) noexcept {
  (void)locked([&](task::TaskList& ready) {
    if (!receivers_.claim_first(ready, message)) buffer_.push_front(message);
    return Outcome::kDone;
  });
}

void Channel::close() {
  (void)locked([&](task::TaskList& ready) {
    closed_ = true;
    receivers_.claim_all(ready);
    senders_.claim_all(ready);
    return Outcome::kClosed;
  });
}

void* Channel::take() {
  base::MutexLock lock(mutex_);
  if (buffer_.empty()) return nullptr;
  void* message = buffer_.front();
  buffer_.pop_front();
  return message;
}

}  // namespace tonio::sync
