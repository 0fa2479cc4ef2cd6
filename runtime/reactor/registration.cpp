#include "reactor/registration.h"

#include <cerrno>

#include "reactor/loop.h"
#include "reactor/reactor.h"

namespace tonio::reactor {

Registration::Registration(Reactor& reactor, int fd, Mode mode)
    : reactor_(reactor), fd_(fd), mode_(mode), spare_side_(std::make_unique<LoopSide>()) {}
Registration::~Registration() = default;

void Registration::drop() {
  // Acquire and release: the last owner sees all that the other did.
  if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
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
  if (!armed) reactor_.update(*this);
  return true;
}

void Registration::cancel_wait(Interest interest, task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  queue(interest).remove(waiter);
}

void Registration::fail(int error, task::TaskList& ready) {
  error_ = error;
  readers_.claim_all(ready);
  writers_.claim_all(ready);
}

void Registration::shut() {
  task::TaskList ready;
  {
    base::MutexLock lock(mutex_);
    fail(EBADF, ready);
  }
  ready.wake_all();
}

void Registration::close(base::UniqueFd fd, bool now) {
  shut();
  {
    base::MutexLock lock(mutex_);
    to_close_ = std::move(fd);
  }
  if (now) {
    reactor_.update_now(*this);
  } else {
    reactor_.update(*this);
  }
}

void Registration::release() { close(base::UniqueFd(), true); }

int Registration::error() {
  base::MutexLock lock(mutex_);
  return error_;
}

}  // namespace tonio::reactor
