#include "reactor/registration.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "reactor/reactor.h"

namespace tonio::reactor {
namespace {

constexpr auto kRead = static_cast<unsigned>(Interest::kRead);
constexpr auto kWrite = static_cast<unsigned>(Interest::kWrite);
constexpr auto kError = static_cast<unsigned>(Interest::kError);

// A reader that was woken may not have had its turn when the same bytes are found again. To stop
// watching and begin again is two system calls, to find it once more costs a tenth of that.
constexpr unsigned kPatience = 4;

// Others have no error beside which there may be nothing to do.
bool is_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

// An error alone does not count: it may stay.
bool is_ready(int fd, Interest interest) {
  const short events = interest == Interest::kRead ? POLLIN : POLLOUT;
  pollfd asked{fd, events, 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (events | POLLHUP)) != 0;
}

}  // namespace

Registration::Registration(Reactor& reactor, int fd) : reactor_(reactor), fd_(fd) {
  reactor.make_room(fd);
}

int Registration::wait(Interest interest, task::Waiter& waiter) {
  const auto bit = static_cast<unsigned>(interest);
  task::TaskList ready;
  bool armed = false;
  bool looks = false;
  {
    base::MutexLock lock(mutex_);
    if (error_ != 0) return error_;
    queue(interest).push(waiter);
    armed = (armed_ & bit) != 0;
    // An error queue that holds more is told of again by the kernel when one error is taken out.
    looks = (armed_ & kByEdges) != 0 && interest != Interest::kError;
    // Something has changed since the waiter's attempt, or before: it tries again.
    if (missed_ & bit) queue(interest).claim_all(ready);
    missed_ &= ~bit;
  }
  ready.wake_all();
  // Where it begins to be watched, the state is told as a change.
  if (!armed) return reactor_.watch(*this);
  // After it is in line: what changes later is told.
  if (looks) wake_if_ready(interest);
  return 0;
}

void Registration::wake_if_ready(Interest interest) {
  task::TaskList ready;
  {
    // Held over the question: the descriptor is closed after the registration is shut.
    base::MutexLock lock(mutex_);
    if (error_ != 0 || !is_ready(fd_, interest)) return;
    queue(interest).claim_all(ready);
  }
  ready.wake_all();
}

void Registration::cancel_wait(Interest interest, task::Waiter& waiter) {
  base::MutexLock lock(mutex_);
  queue(interest).remove(waiter);
}

unsigned Registration::wanted() const {
  if (keeps_error_ || !errors_.empty()) return kRead | kWrite | kError | kByEdges;
  return armed_ | (readers_.empty() ? 0u : kRead) | (writers_.empty() ? 0u : kWrite);
}

unsigned Registration::take(unsigned events, task::TaskList& ready) {
  const bool error_stays = (events & EPOLLERR) && is_socket(fd_);
  if (error_stays || !errors_.empty()) {
    if (armed_ & kByEdges) return take_change(ready);
    // The system call that the waiters make next will tell them what it is.
    keeps_error_ = error_stays;
    wake(ready);
    return 0;
  }
  unsigned watched = armed_ & (kRead | kWrite);
  keeps_error_ = false;
  missed_ = 0;
  const bool both = events & (EPOLLHUP | EPOLLERR);
  if (events & EPOLLIN || both) {
    if (readers_.claim_all(ready) > 0) {
      untaken_ = 0;
    } else if (++untaken_ > kPatience) {
      watched &= ~kRead;
    }
  }
  if ((events & EPOLLOUT || both) && writers_.claim_all(ready) == 0) watched &= ~kWrite;
  return watched;
}

unsigned Registration::take_change(task::TaskList& ready) {
  // An error concerns both directions.
  if (readers_.claim_all(ready) == 0) missed_ |= kRead;
  if (writers_.claim_all(ready) == 0) missed_ |= kWrite;
  if (errors_.claim_all(ready) == 0) missed_ |= kError;
  return missed_ == (kRead | kWrite | kError) ? 0 : armed_;
}

void Registration::wake(task::TaskList& ready) {
  readers_.claim_all(ready);
  writers_.claim_all(ready);
  errors_.claim_all(ready);
}

void Registration::fail(int error, task::TaskList& ready) {
  error_ = error;
  wake(ready);
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
