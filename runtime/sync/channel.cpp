#include "sync/channel.h"

namespace tonio::sync {

Channel::Outcome Channel::send_now(void* message, task::TaskList& ready) {
  TONIO_DCHECK(message != nullptr);
  if (closed_) return Outcome::kClosed;
  if (receivers_.claim_first(ready, message)) return Outcome::kDone;
  if (buffer_.size() >= capacity_) return Outcome::kBlocked;
  buffer_.push_back(message);
  return Outcome::kDone;
}

Channel::Outcome Channel::receive_now(void*& message, task::TaskList& ready) {
  if (buffer_.empty()) return closed_ ? Outcome::kClosed : Outcome::kBlocked;
  message = buffer_.front();
  buffer_.pop_front();
  // Not when a message that was put back has taken the room.
  if (buffer_.size() < capacity_) {
    void* waiting = nullptr;
    if (senders_.exchange_first(ready, waiting)) buffer_.push_back(waiting);
  }
  return Outcome::kDone;
}

Channel::Outcome Channel::try_send(void* message) {
  task::TaskList ready;
  Outcome outcome;
  {
    base::MutexLock lock(mutex_);
    outcome = send_now(message, ready);
  }
  ready.wake_all();
  return outcome;
}

Channel::Outcome Channel::try_receive(void*& message) {
  task::TaskList ready;
  Outcome outcome;
  {
    base::MutexLock lock(mutex_);
    outcome = receive_now(message, ready);
  }
  ready.wake_all();
  return outcome;
}

Channel::Outcome Channel::send(void* message, task::Waiter& waiter) {
  task::TaskList ready;
  Outcome outcome;
  {
    base::MutexLock lock(mutex_);
    outcome = send_now(message, ready);
    if (outcome == Outcome::kBlocked) {
      waiter.payload = message;
      senders_.push(waiter);
    }
  }
  ready.wake_all();
  return outcome;
}

Channel::Outcome Channel::receive(void*& message, task::Waiter& waiter) {
  task::TaskList ready;
  Outcome outcome;
  {
    base::MutexLock lock(mutex_);
    outcome = receive_now(message, ready);
    if (outcome == Outcome::kBlocked) {
      waiter.payload = nullptr;
      receivers_.push(waiter);
    }
  }
  ready.wake_all();
  return outcome;
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

void Channel::put_back(void* message) {
  task::TaskList ready;
  {
    base::MutexLock lock(mutex_);
    if (!receivers_.claim_first(ready, message)) buffer_.push_front(message);
  }
  ready.wake_all();
}

void Channel::close() {
  task::TaskList ready;
  {
    base::MutexLock lock(mutex_);
    closed_ = true;
    receivers_.claim_all(ready);
    senders_.claim_all(ready);
  }
  ready.wake_all();
}

void* Channel::take() {
  base::MutexLock lock(mutex_);
  if (buffer_.empty()) return nullptr;
  void* message = buffer_.front();
  buffer_.pop_front();
  return message;
}

}  // namespace tonio::sync
