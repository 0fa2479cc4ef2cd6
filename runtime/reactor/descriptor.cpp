#include "reactor/descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace tonio::reactor {
namespace {

// 0, or what epoll has against the descriptor. Asking now gives the error to
// who registers it, not to who waits first.
int check_pollable(int fd) {
  const base::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  if (!epoll.valid() || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return errno;
  return 0;
}

}  // namespace

std::unique_ptr<Descriptor> Descriptor::open(Reactor& reactor, int fd, int& error) {
  base::UniqueFd duplicate(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  error = duplicate.valid() ? check_pollable(duplicate.get()) : errno;
  if (error != 0) return nullptr;
  return std::unique_ptr<Descriptor>(new Descriptor(reactor, std::move(duplicate)));
}

Descriptor::Descriptor(Reactor& reactor, base::UniqueFd fd)
    : registration_(reactor, fd.get()), fd_(std::move(fd)) {}

Descriptor::~Descriptor() { close(); }

int Descriptor::wait(Interest interest, task::Waiter& waiter) {
  return registration_.wait(interest, waiter);
}

void Descriptor::cancel_wait(Interest interest, task::Waiter& waiter) {
  registration_.cancel_wait(interest, waiter);
}

bool Descriptor::ready(Interest interest, int& error) {
  base::MutexLock lock(mutex_);
  if (!fd_.valid()) {
    error = EBADF;
    return false;
  }
  // Errors and hang-ups count, as they do for who waits.
  const short events = interest == Interest::kRead ? POLLIN : POLLOUT;
  pollfd asked{fd_.get(), events, 0};
  return ::poll(&asked, 1, 0) > 0;
}

void Descriptor::close() {
  base::UniqueFd fd;
  {
    base::MutexLock lock(mutex_);
    fd = std::move(fd_);
  }
  if (fd.valid()) registration_.release();
}

bool Descriptor::closed() {
  base::MutexLock lock(mutex_);
  return !fd_.valid();
}

}  // namespace tonio::reactor
