#include "net/socket.h"

#include <poll.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "base/unique_fd.h"
#include "reactor/reactor.h"

namespace tonio::net {
bool IoResult::would_block() const { return error == EAGAIN || error == EWOULDBLOCK; }

Socket::Use::Use(Socket& socket) : socket_(socket) {
  // Acquire and release: what is done in a use comes before the descriptor is given up.
  const std::uint32_t before = socket_.uses_.fetch_add(kOneUse, std::memory_order_acq_rel);
  if (!(before & kClosed)) fd_ = socket_.fd_.load(std::memory_order_acquire);
}

Socket::Use::~Use() {
  const std::uint32_t before = socket_.uses_.fetch_sub(kOneUse, std::memory_order_acq_rel);
  if (before == (kOneUse | kClosed)) socket_.give_up_descriptor();
}

template <typename Call>
IoResult Socket::repeat(Call&& call) {
  const Use use(*this);
  if (use.fd() < 0) return {-1, EBADF};
  for (;;) {
    const ssize_t n = call(use.fd());
    if (n >= 0) return {n, 0};
    if (errno != EINTR) return {-1, errno};
  }
}

Socket::~Socket() {
  close(false);
  delete registration_.load(std::memory_order_acquire);
}

void Socket::note_whether_drained(const IoResult& received, std::size_t size) {
  // End of file is a short read too, but it is for ever.
  const bool drained =
      received.ok() && received.value > 0 && static_cast<std::size_t>(received.value) < size;
  drained_.store(drained, std::memory_order_relaxed);
}

IoResult Socket::receive(void* buffer, std::size_t size, int flags) {
  const IoResult result = repeat([&](int fd) { return ::recv(fd, buffer, size, flags); });
  note_whether_drained(result, flags & MSG_PEEK ? 0 : size);
  return result;
}

IoResult Socket::receive(void* buffer, std::size_t size, void* rest, std::size_t rest_size) {
  if (rest_size == 0) return receive(buffer, size, 0);
  iovec parts[] = {{buffer, size}, {rest, rest_size}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  const IoResult result = repeat([&](int fd) { return ::recvmsg(fd, &message, 0); });
  note_whether_drained(result, size + rest_size);
  return result;
}

IoResult Socket::send(const void* data, std::size_t size, int flags) {
  return repeat([&](int fd) { return ::send(fd, data, size, flags | MSG_NOSIGNAL); });
}

IoResult Socket::receive_from(void* buffer, std::size_t size, int flags, sockaddr_storage& peer,
                              socklen_t& peer_size) {
  return repeat([&](int fd) {
    peer_size = sizeof peer;
    return ::recvfrom(fd, buffer, size, flags, reinterpret_cast<sockaddr*>(&peer), &peer_size);
  });
}

IoResult Socket::receive_message(msghdr& message, int flags) {
  return repeat([&](int fd) { return ::recvmsg(fd, &message, flags); });
}

IoResult Socket::send_to(const void* data, std::size_t size, int flags, const sockaddr* address,
                         socklen_t address_size) {
  return repeat([&](int fd) {
    return ::sendto(fd, data, size, flags | MSG_NOSIGNAL, address, address_size);
  });
}

IoResult Socket::send_message(const msghdr& message, int flags) {
  return repeat([&](int fd) { return ::sendmsg(fd, &message, flags | MSG_NOSIGNAL); });
}

IoResult Socket::send_file(int file, off_t& offset, std::size_t size) {
  return repeat([&](int fd) { return ::sendfile(fd, file, &offset, size); });
}

IoResult Socket::accept(sockaddr_storage& peer, socklen_t& peer_size) {
  return repeat([&](int fd) -> ssize_t {
    peer_size = sizeof peer;
    return ::accept4(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
}

IoResult Socket::connect(const sockaddr* address, socklen_t size) {
  const Use use(*this);
  const int fd = use.fd();
  if (fd < 0) return {-1, EBADF};
  if (::connect(fd, address, size) == 0) return {0, 0};
  // An interrupted connect goes on in the background (connect(2)).
  return {-1, errno == EINTR ? EINPROGRESS : errno};
}

IoResult Socket::finish_connect() {
  const Use use(*this);
  const int fd = use.fd();
  if (fd < 0) return {-1, EBADF};
  // Woken without a result, or a signal came in between (EINTR): it still goes on.
  pollfd writable{fd, POLLOUT, 0};
  if (::poll(&writable, 1, 0) <= 0) return {-1, EINPROGRESS};
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return {-1, errno};
  if (error != 0) return {-1, error};
  // Reading SO_ERROR clears it: whoever asks second learns only that it has failed.
  sockaddr_storage peer;
  size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {-1, errno};
  return {0, 0};
}

int Socket::wait(reactor::Interest interest, task::Waiter& waiter) {
  reactor::Registration* registration = registration_.load(std::memory_order_acquire);
  if (!registration) {
    base::MutexLock lock(mutex_);
    // begin_close() holds the same lock, so it sees the registration or this sees -1.
    const int fd = this->fd();
    if (fd < 0) return EBADF;
    registration = registration_.load(std::memory_order_relaxed);
    if (!registration) {
      registration = new reactor::Registration(reactor_, fd);
      registration_.store(registration, std::memory_order_release);
    }
  }
  return registration->wait(interest, waiter);
}

void Socket::cancel_wait(reactor::Interest interest, task::Waiter& waiter) {
  if (reactor::Registration* registration = registration_.load(std::memory_order_acquire)) {
    registration->cancel_wait(interest, waiter);
  }
}

bool Socket::wants_close_now() {
  const Use use(*this);
  if (use.fd() < 0) return false;
  int listening = 0;
  socklen_t size = sizeof listening;
  ::getsockopt(use.fd(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
  sockaddr_storage peer;
  size = sizeof peer;
  return listening != 0 || ::getpeername(use.fd(), reinterpret_cast<sockaddr*>(&peer), &size) != 0;
}

bool Socket::begin_close(reactor::Registration*& registration) {
  base::MutexLock lock(mutex_);
  registration = registration_.load(std::memory_order_relaxed);
  return !(uses_.fetch_or(kClosed, std::memory_order_acq_rel) & kClosed);
}

void Socket::close(bool now) {
  reactor::Registration* registration = nullptr;
  if (!begin_close(registration)) return;
  if (now) {
    base::UniqueFd fd(fd_.exchange(-1, std::memory_order_acq_rel));
    // Uses are single system calls that don't block, and one that begins now is over at once.
    while (uses_.load(std::memory_order_acquire) != kClosed) std::this_thread::yield();
    if (registration) registration->release();
    return;
  }
  if (registration) registration->shut();
  // If a use is under way, its end gives the descriptor up; if one ends just now, both do,
  // and the second finds nothing.
  if (uses_.load(std::memory_order_acquire) == kClosed) give_up_descriptor();
}

void Socket::give_up_descriptor() {
  base::UniqueFd fd(fd_.exchange(-1, std::memory_order_acq_rel));
  reactor::Registration* registration = registration_.load(std::memory_order_acquire);
  if (fd.valid() && registration) registration->release();
}

int Socket::release() {
  reactor::Registration* registration = nullptr;
  int fd = -1;
  {
    base::MutexLock lock(mutex_);
    if (uses_.load(std::memory_order_relaxed) & kClosed) return -1;
    // Before the flag: a use that ends under it would close what it still finds.
    fd = fd_.exchange(-1, std::memory_order_acq_rel);
    uses_.fetch_or(kClosed, std::memory_order_acq_rel);
    registration = registration_.load(std::memory_order_relaxed);
  }
  if (registration) registration->release();
  return fd;
}

}  // namespace tonio::net
