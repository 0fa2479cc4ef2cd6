#include "reactor/reactor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/futex.h"
#include "base/no_memory.h"
#include "base/unique_fd.h"
#include "reactor/loop.h"

namespace tonio::reactor {
namespace {

// A reader that was woken may not have had its turn when the loop tells of the same bytes again. To
// stop watching and begin again is three operations on the epoll set, to be told once more costs a
// tenth of that.
constexpr unsigned kPatience = 4;

constexpr unsigned kBoth =
    static_cast<unsigned>(Interest::kRead) | static_cast<unsigned>(Interest::kWrite);

int to_uv(unsigned interests) {
  static_assert(UV_READABLE == static_cast<int>(Interest::kRead));
  static_assert(UV_WRITABLE == static_cast<int>(Interest::kWrite));
  return static_cast<int>(interests);
}

uv_handle_t* as_handle(uv_poll_t* poll) { return reinterpret_cast<uv_handle_t*>(poll); }

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

void LoopSide::on_ready(uv_poll_t* handle, int status, int events) {
  auto* side = static_cast<LoopSide*>(handle->data);
  Registration& registration = *side->registration;
  // An error stops the handle (uv_poll_t's documentation); the system call that the
  // waiters make next will tell them what it is.
  const unsigned fired = status < 0 ? kBoth : static_cast<unsigned>(events);
  unsigned disarm = status < 0 ? kBoth : 0u;
  task::TaskList& ready = *registration.reactor_.ready_;
  base::MutexLock lock(registration.mutex_);
  if (status < 0) registration.keeps_error_ = true;
  for (const Interest interest : {Interest::kRead, Interest::kWrite}) {
    const auto bit = static_cast<unsigned>(interest);
    if (!(fired & bit)) continue;
    if (registration.queue(interest).claim_all(ready) > 0) {
      if (interest == Interest::kRead) registration.untaken_ = 0;
    } else if (interest == Interest::kWrite || status < 0 || ++registration.untaken_ > kPatience) {
      disarm |= bit;
    }
  }
  if ((registration.armed_ & disarm) == 0) return;
  registration.armed_ &= ~disarm;
  if (registration.armed_ != 0) {
    (void)side->start(registration.armed_);
  } else {
    uv_poll_stop(handle);
  }
}

void LoopSide::on_edge(uv_poll_t* handle, int, int) {
  auto* side = static_cast<LoopSide*>(handle->data);
  Registration& registration = *side->registration;
  epoll_event change;
  if (::epoll_wait(side->edges.get(), &change, 1, 0) <= 0) return;
  task::TaskList& ready = *registration.reactor_.ready_;
  base::MutexLock lock(registration.mutex_);
  for (const Interest interest : {Interest::kRead, Interest::kWrite}) {
    // An error concerns both directions.
    if (registration.queue(interest).claim_all(ready) == 0) {
      registration.missed_ |= static_cast<unsigned>(interest);
    }
  }
  if (registration.missed_ != kBoth) return;
  registration.armed_ = 0;
  uv_poll_stop(handle);
}

int LoopSide::open(uv_loop_t& loop, int fd, bool by_edges) {
  if (by_edges) {
    edges.reset(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event any{};
    any.events = EPOLLIN | EPOLLOUT | EPOLLET;
    if (!edges.valid() || ::epoll_ctl(edges.get(), EPOLL_CTL_ADD, fd, &any) != 0) return -errno;
  }
  const int status = uv_poll_init(&loop, &handle, by_edges ? edges.get() : fd);
  handle.data = this;
  return status;
}

int LoopSide::start(unsigned interests) {
  return edges.valid() ? uv_poll_start(&handle, UV_READABLE, on_edge)
                       : uv_poll_start(&handle, to_uv(interests), on_ready);
}

void LoopSide::on_closed(uv_handle_t* handle) {
  std::unique_ptr<LoopSide> side(static_cast<LoopSide*>(handle->data));
  side->registration->drop();
  --static_cast<Loop*>(handle->loop->data)->handles;
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
  loop_ = std::move(loop);
  if (status == 0) {
    base::MutexLock lock(requests_mutex_);
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
      base::MutexLock requests_lock(requests_mutex_);
      wakeable_ = nullptr;
    }
    serve_requests();
    while (Registration* registration = registrations_.front()) {
      {
        base::MutexLock registration_lock(registration->mutex_);
        if (registration->error_ == 0) registration->fail(EBADF, ready);
      }
      let_go(*registration);
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
  }
  ready.wake_all();
}

void Reactor::wake() {
  base::MutexLock lock(requests_mutex_);
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
  while (const std::uint32_t waiting = waiting_for_loop_.load(std::memory_order_acquire)) {
    base::futex_wait(waiting_for_loop_, waiting);
  }
  loop_mutex_.lock();
  ready_ = &ready;
  serve_requests();
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
  // A look at a loop that watches nothing but its own waker finds nothing.
  if (block || deadline != 0 || loop_->handles > 0) {
    uv_run(&loop_->loop, block ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  }
  if (deadline != 0) timers_.end_poll();
  // What came during the poll would wait for the next one.
  serve_requests();
  ready_ = nullptr;
  loop_mutex_.unlock();
}

void Reactor::fire_timers(std::size_t most, task::TaskList& due) {
  if (timers_.size() != 0) timers_.fire_due(clock_.now(), most, due);
}

void Reactor::update(Registration& registration) {
  if (abandoned_.load(std::memory_order_relaxed)) return close_descriptor(registration);
  if (!loop_mutex_.try_lock()) {
    if (request(registration)) return;
    loop_mutex_.lock();  // nobody polls a closed reactor
  }
  serve_requests();
  apply(registration);
  loop_mutex_.unlock();
}

void Reactor::update_now(Registration& registration) {
  if (abandoned_.load(std::memory_order_relaxed)) return close_descriptor(registration);
  waiting_for_loop_.fetch_add(1, std::memory_order_acq_rel);
  if (!loop_mutex_.try_lock()) {
    wake();
    loop_mutex_.lock();
  }
  serve_requests();
  apply(registration);
  loop_mutex_.unlock();
  if (waiting_for_loop_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    base::futex_wake(waiting_for_loop_, INT_MAX);
  }
}

bool Reactor::request(Registration& registration) {
  base::MutexLock lock(requests_mutex_);
  if (!wakeable_) return false;
  // A poll that ends without serving the request has been woken for it: the next serves it.
  if (!registration.requested_) {
    registration.requested_ = true;
    // The request keeps it alive until it is served.
    registration.owners_.fetch_add(1, std::memory_order_relaxed);
    registration.next_request_ = requests_;
    requests_ = &registration;
    has_requests_.store(true, std::memory_order_release);
  }
  uv_async_send(&wakeable_->waker);
  return true;
}

void Reactor::serve_requests() {
  if (!has_requests_.load(std::memory_order_acquire)) return;
  Registration* next = nullptr;
  {
    base::MutexLock lock(requests_mutex_);
    std::swap(next, requests_);
    has_requests_.store(false, std::memory_order_relaxed);
  }
  while (Registration* registration = next) {
    {
      base::MutexLock lock(requests_mutex_);
      next = registration->next_request_;
      registration->requested_ = false;
    }
    apply(*registration);
    registration->drop();
  }
}

void Reactor::apply(Registration& registration) {
  registration.mutex_.lock();
  const bool closed = registration.error_ != 0;
  const bool by_edges = registration.keeps_error_;
  const unsigned wanted = by_edges ? kBoth : registration.armed_ | registration.wanted();
  registration.mutex_.unlock();
  if (closed || !loop_) return let_go(registration);

  int status = 0;
  if (registration.loop_side_ && registration.loop_side_->edges.valid() != by_edges) {
    stop_watching(registration);
  }
  if (!registration.loop_side_) {
    std::unique_ptr<LoopSide> side = std::move(registration.spare_side_);
    if (!side) side.reset(new (std::nothrow) LoopSide());
    const bool keep_mode = registration.mode_ == Registration::Mode::kAsItIs;
    const int flags = keep_mode ? ::fcntl(registration.fd_, F_GETFL) : -1;
    status = side ? side->open(loop_->loop, registration.fd_, by_edges) : UV_ENOMEM;
    if (flags >= 0 && !(flags & O_NONBLOCK)) {
      ::fcntl(registration.fd_, F_SETFL, flags);
    }
    if (status == 0) {
      side->registration = &registration;
      registration.loop_side_ = std::move(side);
      registration.owners_.fetch_add(1, std::memory_order_relaxed);
      registrations_.push_back(registration);
      ++loop_->handles;
    }
  }
  if (status == 0) {
    status = registration.loop_side_->start(wanted);
  }
  task::TaskList ready;
  registration.mutex_.lock();
  if (status == 0) {
    registration.armed_ = wanted;
  } else {
    registration.fail(-status, ready);
  }
  registration.mutex_.unlock();
  ready.wake_all();
}

void Reactor::stop_watching(Registration& registration) {
  registrations_.remove(registration);
  LoopSide* side = registration.loop_side_.release();
  uv_poll_stop(&side->handle);
  uv_close(as_handle(&side->handle), LoopSide::on_closed);
}

void Reactor::let_go(Registration& registration) {
  if (registration.loop_side_) stop_watching(registration);
  close_descriptor(registration);
}

void Reactor::close_descriptor(Registration& registration) {
  base::UniqueFd fd;
  {
    base::MutexLock lock(registration.mutex_);
    fd = std::move(registration.to_close_);
  }
}

}  // namespace tonio::reactor
