#include "reactor/watch_set.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "reactor/registration.h"

namespace tonio::reactor {
namespace {

// How many one look takes.
constexpr std::size_t kMost = 128;

std::uint32_t to_epoll(unsigned interests) {
  return (interests & static_cast<unsigned>(Interest::kRead) ? EPOLLIN : 0u) |
         (interests & static_cast<unsigned>(Interest::kWrite) ? EPOLLOUT : 0u) |
         (interests & kByEdges ? EPOLLET : 0u);
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
    registration->armed_ = 0;
    if (!registration->waited_for()) continue;
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

int WatchSet::set(Registration& registration, unsigned interests, task::TaskList& refused) {
  const int error = put(registration, interests);
  registration.armed_ = error == 0 ? interests : 0;
  registration.refused_ = error;
  if (error == 0) return 0;
  remove(registration);
  registration.wake(refused);
  return error;
}

int WatchSet::put(Registration& registration, unsigned interests) {
  if (!set_.valid()) return EBADF;
  const int fd = registration.fd_;
  Entry& place = entry(registration);
  const bool known = place.registration != nullptr;
  if (known && place.registration != &registration) return EEXIST;  // two of one number
  if (!known) ++place.generation;
  epoll_event event{};
  event.events = to_epoll(interests);
  event.data.u64 = std::uint64_t{place.generation} << 32 | static_cast<std::uint32_t>(fd);
  int status = ::epoll_ctl(set_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  // It was closed behind our back. A copy has come back under the number, or another one.
  if (status != 0 && (known ? errno == ENOENT : errno == EEXIST)) {
    status = ::epoll_ctl(set_.get(), known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  }
  if (status != 0) return errno;
  if (!known) {
    place.registration = &registration;
    size_.fetch_add(1, std::memory_order_relaxed);
  }
  return 0;
}

void WatchSet::remove(Registration& registration) {
  Entry& place = entry(registration);
  if (place.registration != &registration) return;
  // Fails where the descriptor was closed behind our back.
  (void)::epoll_ctl(set_.get(), EPOLL_CTL_DEL, registration.fd_, nullptr);
  place.registration = nullptr;
  size_.fetch_sub(1, std::memory_order_relaxed);
}

int WatchSet::watch(Registration& registration, task::TaskList& refused) {
  base::MutexLock lock(mutex_);
  base::MutexLock registration_lock(registration.mutex_);
  if (registration.error_ != 0) return 0;  // it was shut meanwhile, which has woken who waited
  const unsigned wanted = registration.wanted();
  if (wanted != registration.armed_) return set(registration, wanted, refused);
  // Since the caller looked, who waits may have been told; or another one have come here first, and
  // may have been refused for both.
  return wanted == 0 ? registration.refused_ : 0;
}

void WatchSet::forget(Registration& registration) {
  base::MutexLock lock(mutex_);
  remove(registration);
}

bool WatchSet::look(bool block, task::TaskList& ready) {
  std::array<epoll_event, kMost> told;
  const std::size_t before = ready.size();
  bool loop_is_ready = false;
  // What nobody waits for must not hide what somebody waits for.
  std::size_t looks = 1 + size_.load(std::memory_order_relaxed) / kMost;
  for (std::size_t count = kMost; count == kMost && ready.size() == before && looks > 0; --looks) {
    count = wait(block, told);
    block = false;
    base::MutexLock lock(mutex_);
    for (const epoll_event& event : std::span(told).first(count)) {
      if (event.data.u64 == kLoop) {
        loop_is_ready = true;
      } else {
        tell(event, ready);
      }
    }
  }
  return loop_is_ready;
}

std::size_t WatchSet::wait(bool block, std::span<epoll_event> told) const {
  int count = 0;
  do {
    count = ::epoll_wait(set_.get(), told.data(), static_cast<int>(told.size()), block ? -1 : 0);
    TONIO_CHECK(count >= 0 || errno == EINTR);
  } while (count < 0);
  return static_cast<std::size_t>(count);
}

void WatchSet::tell(const epoll_event& event, task::TaskList& ready) {
  const Entry& place = entries_[static_cast<std::uint32_t>(event.data.u64)];
  if (!place.registration || place.generation != event.data.u64 >> 32) return;
  Registration& registration = *place.registration;
  base::MutexLock lock(registration.mutex_);
  const unsigned wanted = registration.take(event.events, ready);
  if (wanted == 0) {
    registration.armed_ = 0;
    remove(registration);
  } else if (wanted != registration.armed_) {
    (void)set(registration, wanted, ready);
  }
}

}  // namespace tonio::reactor
