#include "reactor/watch_set.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "reactor/registration.h"

namespace tonio::reactor {
namespace {

// How many one look takes.
constexpr std::size_t kMost = 128;

std::uint32_t to_epoll(unsigned interests) {
  return (interests & static_cast<unsigned>(Interest::kRead) ? EPOLLIN : 0u) |
         (interests & static_cast<unsigned>(Interest::kWrite) ? EPOLLOUT : 0u);
}

// Of the loop; no descriptor has it.
constexpr std::uint64_t kLoop = ~std::uint64_t{0};

}  // namespace

int WatchSet::open(int loop) {
  base::MutexLock lock(mutex_);
  set_.reset(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kLoop;
  const bool opened = set_.valid() && ::epoll_ctl(set_.get(), EPOLL_CTL_ADD, loop, &event) == 0;
  return opened ? 0 : -errno;
}

void WatchSet::close(task::TaskList& ready) {
  base::MutexLock lock(mutex_);
  for (Entry& each : entries_) {
    Registration* registration = std::exchange(each.registration, nullptr);
    if (!registration) continue;
    base::MutexLock registration_lock(registration->mutex_);
    registration->fail(EBADF, ready);
  }
  size_.store(0, std::memory_order_relaxed);
  set_.reset();
}

void WatchSet::make_room(int fd) {
  const auto at = static_cast<std::size_t>(fd);
  base::MutexLock lock(mutex_);
  if (at >= entries_.size()) entries_.resize(at + 1);
}

WatchSet::Entry& WatchSet::entry(const Registration& registration) {
  return entries_[static_cast<std::size_t>(registration.fd_)];
}

int WatchSet::set(Registration& registration, unsigned interests) {
  if (!set_.valid()) return -EBADF;
  const int fd = registration.fd_;
  const bool known = has(registration);
  Entry& place = entry(registration);
  if (!known) ++place.generation;
  epoll_event event{};
  event.events = to_epoll(interests) | (registration.keeps_error_ ? EPOLLET : 0u);
  event.data.u64 = std::uint64_t{place.generation} << 32 | static_cast<std::uint32_t>(fd);
  int status = ::epoll_ctl(set_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  // It was there under this number before, was closed behind our back, and a copy has come back.
  if (status != 0 && errno == EEXIST) {
    status = ::epoll_ctl(set_.get(), EPOLL_CTL_MOD, fd, &event);
  }
  if (status != 0) {
    const int error = errno;
    remove(registration);
    return -error;
  }
  if (!known) {
    place.registration = &registration;
    size_.fetch_add(1, std::memory_order_relaxed);
  }
  return 0;
}

void WatchSet::remove(Registration& registration) {
  if (!has(registration)) return;
  // Fails where the descriptor was closed behind our back.
  (void)::epoll_ctl(set_.get(), EPOLL_CTL_DEL, registration.fd_, nullptr);
  entry(registration).registration = nullptr;
  size_.fetch_sub(1, std::memory_order_relaxed);
}

void WatchSet::watch(Registration& registration, task::TaskList& failed) {
  base::MutexLock lock(mutex_);
  base::MutexLock registration_lock(registration.mutex_);
  if (registration.error_ != 0) return;  // it was shut meanwhile
  const unsigned wanted = registration.wanted();
  const int status = set(registration, wanted);
  if (status == 0) {
    registration.armed_ = wanted;
  } else {
    registration.fail(-status, failed);
  }
}

void WatchSet::forget(Registration& registration) {
  base::MutexLock lock(mutex_);
  remove(registration);
}

bool WatchSet::look(bool block, task::TaskList& ready) {
  std::array<epoll_event, kMost> told;
  int count = 0;
  do {
    count = ::epoll_wait(set_.get(), told.data(), kMost, block ? -1 : 0);
  } while (block && count < 0 && errno == EINTR);
  bool loop_is_ready = false;
  base::MutexLock lock(mutex_);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = told[static_cast<std::size_t>(i)];
    if (event.data.u64 == kLoop) {
      loop_is_ready = true;
      continue;
    }
    const Entry& place = entries_[static_cast<std::uint32_t>(event.data.u64)];
    if (!place.registration || place.generation != event.data.u64 >> 32) continue;
    Registration& registration = *place.registration;
    base::MutexLock registration_lock(registration.mutex_);
    const unsigned wanted = registration.take(event.events, ready);
    if (wanted == registration.armed_) continue;
    registration.armed_ = wanted;
    if (wanted == 0) {
      remove(registration);
    } else {
      (void)set(registration, wanted);  // less than before, for which there is always room
    }
  }
  return loop_is_ready;
}

}  // namespace tonio::reactor
