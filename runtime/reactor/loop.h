// The libuv side of the reactor. Private to this folder.
#pragma once

#include <uv.h>

#include <cstddef>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace tonio::reactor {

class Registration;
class Reactor;

// What the loop knows of one registration. Freed in the handle's close callback, as
// libuv asks for.
//
// An error that stays with a descriptor (in a socket's error queue, see
// Registration::keeps_error_) is reported by a level-triggered poll again and again, whatever
// one waits for. Then the handle watches an edge-triggered epoll(7) instance of the
// descriptor's own instead, which tells of each change once.
struct LoopSide {
  uv_poll_t handle;
  Registration* registration = nullptr;
  base::UniqueFd edges;  // that instance, if any

  // libuv's or errno's status, negative for a failure.
  [[nodiscard]] int open(uv_loop_t& loop, int fd, bool by_edges);
  // Begins to watch for `interests` (any change, if by edges).
  [[nodiscard]] int start(unsigned interests);

  static void on_ready(uv_poll_t* handle, int status, int events);
  static void on_edge(uv_poll_t* handle, int status, int events);
  static void on_closed(uv_handle_t* handle);
};

struct Loop {
  uv_loop_t loop;
  uv_async_t waker;
  // libuv's own timers count milliseconds. One timerfd(2) that holds the earliest
  // deadline counts microseconds.
  base::UniqueFd timer_fd;
  uv_poll_t timer_poll;
  // When the timerfd fires; kNever when it is not set.
  base::Instant timer_set_to = base::kNever;

  // Handles of registrations, closing ones included.
  std::size_t handles = 0;

  // Sets the timerfd to fire at `deadline` (which may have passed), or not at all.
  void set_timer(base::Instant deadline);

  static void on_timer(uv_poll_t* handle, int status, int events);
};

}  // namespace tonio::reactor
