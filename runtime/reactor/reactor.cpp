#include "reactor/reactor.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/no_memory.h"
#include "base/unique_fd.h"
#include "reactor/loop.h"

namespace tonio::reactor {
namespace {

// libuv takes its memory from here. It reallocates one thing, its table of descriptors, and aborts
// where that fails.
void* reallocate(void* old, std::size_t size) {
  void* made = std::realloc(old, size);
  if (!made && size > 0) base::end_without_memory();
  return made;
}

// Whether four descriptors are free: 0 or a negative errno. For the first loop of a process libuv
// makes a pipe, for signals, after others of its own, and aborts where it can't.
int try_descriptors() {
  std::array<base::UniqueFd, 4> tried;
  for (base::UniqueFd& fd : tried) {
    fd.reset(::eventfd(0, EFD_CLOEXEC));
    if (!fd.valid()) return -errno;
  }
  return 0;
}

}  // namespace

void Loop::set_timer(base::Instant deadline) {
  if (deadline == timer_set_to) return;
  itimerspec spec{};
  if (deadline != base::kNever) {
    // 0 would stop the timer instead of firing it at once.
    const base::Instant at = deadline > 0 ? deadline : 1;
    spec.it_value.tv_sec = at / 1'000'000;
    spec.it_value.tv_nsec = (at % 1'000'000) * 1'000;
  }
  // Setting it also takes back an expiry that nobody has read.
  TONIO_CHECK(timerfd_settime(timer_fd.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
  timer_set_to = deadline;
}

void Loop::on_timer(uv_poll_t* handle, int, int) {
  auto* self = static_cast<Loop*>(handle->data);
  // What has expired stays readable until the next set_timer(); a deadline that
  // equals no other makes that call do it.
  self->timer_set_to = 0;
}

Reactor::Reactor() = default;

Reactor::~Reactor() { TONIO_CHECK(!loop_); }

std::string Reactor::libuv_version() { return uv_version_string(); }

bool Reactor::open(std::string& error) {
  auto loop = std::make_unique<Loop>();
  // Before anything else of libuv's.
  static const int replaced = uv_replace_allocator(std::malloc, reallocate, std::calloc, std::free);
  TONIO_CHECK(replaced == 0);
  int status = try_descriptors();
  if (status == 0) status = uv_loop_init(&loop->loop);
  if (status == UV_ENOMEM) throw std::bad_alloc();
  if (status != 0) {
    error = uv_strerror(status);
    return false;
  }
  loop->loop.data = loop.get();
  loop->timer_fd.reset(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  status = loop->timer_fd.valid() ? uv_async_init(&loop->loop, &loop->waker, nullptr) : -errno;
  if (status == 0) {
    status = uv_poll_init(&loop->loop, &loop->timer_poll, loop->timer_fd.get());
    loop->timer_poll.data = loop.get();
    if (status == 0) status = uv_poll_start(&loop->timer_poll, UV_READABLE, Loop::on_timer);
  }
  if (status == 0) {
    // What a handle watches comes into libuv's set when the loop runs.
    uv_run(&loop->loop, UV_RUN_NOWAIT);
    status = watches_.open(uv_backend_fd(&loop->loop));
  }
  loop_ = std::move(loop);
  if (status == 0) {
    base::MutexLock lock(wake_mutex_);
    wakeable_ = loop_.get();
    return true;
  }
  close();
  if (status == UV_ENOMEM) throw std::bad_alloc();
  error = uv_strerror(status);
  return false;
}

void Reactor::close() {
  task::TaskList ready;
  {
    base::MutexLock lock(loop_mutex_);
    if (!loop_) return;
    {
      base::MutexLock wake_lock(wake_mutex_);
      wakeable_ = nullptr;
    }
    uv_walk(
        &loop_->loop,
        [](uv_handle_t* handle, void*) {
          if (!uv_is_closing(handle)) uv_close(handle, nullptr);
        },
        nullptr);
    while (uv_run(&loop_->loop, UV_RUN_DEFAULT) != 0) {
    }
    TONIO_CHECK(uv_loop_close(&loop_->loop) == 0);
    loop_.reset();
    watches_.close(ready);
  }
  ready.wake_all();
}

void Reactor::wake() {
  base::MutexLock lock(wake_mutex_);
  if (wakeable_) uv_async_send(&wakeable_->waker);
}

void Reactor::freeze_clock() {
  clock_.freeze();
  wake();
}

void Reactor::move_clock(base::Instant when) {
  clock_.move_to(when);
  wake();
}

void Reactor::let_clock_go_on() {
  clock_.go_on();
  wake();
}

base::Instant Reactor::begin_poll(base::Instant latest) {
  if (clock_.frozen()) [[unlikely]] {
    // Only what is due already fires by itself.
    const base::Instant now = clock_.now();
    return timers_.begin_poll(now + 1) <= now ? 0 : latest;
  }
  const base::Instant ahead = clock_.ahead();
  const base::Instant until = timers_.begin_poll(latest == base::kNever ? latest : latest + ahead);
  return until == base::kNever ? until : until - ahead;
}

void Reactor::poll(base::Instant deadline, task::TaskList& ready) {
  const base::MutexLock lock(loop_mutex_);
  bool block = deadline != 0;
  if (block) {
    const base::Instant until = begin_poll(deadline);
    if (until != base::kNever && until <= base::now()) {
      block = false;
    } else {
      // A timer that is set too early only costs a turn; setting it costs each time.
      if (until < loop_->timer_set_to || loop_->timer_set_to == 0) loop_->set_timer(until);
    }
  }
  // Where nothing is watched but the loop a look finds nothing.
  if ((deadline != 0 || !watches_.empty()) && watches_.look(block, ready)) {
    uv_run(&loop_->loop, UV_RUN_NOWAIT);
    // A poll that blocks sets it anew. Until then each look would find it.
    if (!block && loop_->timer_set_to == 0) loop_->set_timer(base::kNever);
  }
  if (deadline != 0) timers_.end_poll();
}

void Reactor::fire_timers(std::size_t most, task::TaskList& due) {
  if (timers_.size() != 0) timers_.fire_due(clock_.now(), most, due);
}

void Reactor::make_room(int fd) {
  if (!abandoned()) watches_.make_room(fd);
}

int Reactor::watch(Registration& registration) {
  if (abandoned()) return 0;
  task::TaskList refused;
  const int error = watches_.watch(registration, refused);
  refused.wake_all();
  return error;
}

void Reactor::forget(Registration& registration) {
  if (abandoned()) return;
  watches_.forget(registration);
}

}  // namespace tonio::reactor
