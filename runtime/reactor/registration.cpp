#include "reactor/registration.h"

#include <sys/epoll.h>

#include <cerrno>

#include "reactor/reactor.h"

namespace tonio::reactor {
namespace {

constexpr auto kRead = static_cast<unsigned>(Interest::kRead);
constexpr auto kWrite = static_cast<unsigned>(Interest::kWrite);

// A reader that was woken may not have had its turn when the same bytes are found again. To stop
// watching and begin again is two system calls, to find it once more costs a tenth of that.
constexpr unsigned kPatience = 4;

}  // namespace

Registration::Registration(Reactor& reactor, int fd) : reactor_(reactor), fd_(fd) {
  reactor.make_room(fd);
}

bool Registration::wait(Interest interest, task::Waiter& waiter) {
  const auto bit = static_cast<unsigned>(interest);
  task::TaskList ready;
  bool armed = false;
  {
    base::MutexLock lock(mutex_);
    if (error_ != 0) return false;
    queue(interest).push(waiter);
    armed = (armed_ & bit) != 0;
    // Something has changed since the waiter's attempt, or before: it tries again.
    if (missed_ & bit) queue(interest).claim_all(ready);
    missed_ &= ~bit;
  }
  ready.wake_all();
  if (!armed) reactor_.watch(*this);
  return true;
}

void Registration::cancel_wait(Interest interest, task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  queue(interest).remove(waiter);
}

unsigned Registration::wanted() const {
  if (keeps_error_) return kRead | kWrite;
  return armed_ | (readers_.empty() ? 0u : kRead) | (writers_.empty() ? 0u : kWrite);
}

unsigned Registration::take(unsigned events, task::TaskList& ready) {
  if (keeps_error_) return take_change(ready);
  if (events & EPOLLERR) {
    // The system call that the waiters make next will tell them what it is.
    keeps_error_ = true;
    readers_.claim_all(ready);
    writers_.claim_all(ready);
    return 0;
  }
  unsigned watched = armed_;
  const bool hung_up_only = !(events & (EPOLLIN | EPOLLOUT));
  if (events & EPOLLIN || hung_up_only) {
    if (readers_.claim_all(ready) > 0) {
      untaken_ = 0;
    } else if (++untaken_ > kPatience) {
      watched &= ~kRead;
    }
  }
  if ((events & EPOLLOUT || hung_up_only) && writers_.claim_all(ready) == 0) watched &= ~kWrite;
  return watched;
}

unsigned Registration::take_change(task::TaskList& ready) {
  // An error concerns both directions.
  if (readers_.claim_all(ready) == 0) missed_ |= kRead;
  if (writers_.claim_all(ready) == 0) missed_ |= kWrite;
  return missed_ == (kRead | kWrite) ? 0 : armed_;
}

void Registration::fail(int error, task::TaskList& ready) {
  error_ = error;
  readers_.claim_all(ready);
  writers_.claim_all(ready);
}

void Registration::shut() {
  // Nobody waits in a forked child, and the lock may be a copy of one that was held.
  if (reactor_.abandoned()) return;
  task::TaskList ready;
  {
    base::MutexLock lock(mutex_);
    fail(EBADF, ready);
  }
  ready.wake_all();
}

void Registration::release() {
  shut();
  reactor_.forget(*this);
}

int Registration::error() {
  base::MutexLock lock(mutex_);
  return error_;
}

}  // namespace tonio::reactor
