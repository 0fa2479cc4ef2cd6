// The libuv side of the reactor. Private to this folder.
#pragma once

#include <uv.h>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace tonio::reactor {

struct Loop {
  uv_loop_t loop;
  uv_async_t waker;
  // libuv's own timers count milliseconds. One timerfd(2) that holds the earliest
  // deadline counts microseconds.
  base::UniqueFd timer_fd;
  uv_poll_t timer_poll;
  // When the timerfd fires; kNever when it is not set.
  base::Instant timer_set_to = base::kNever;

  // Sets the timerfd to fire at `deadline` (which may have passed), or not at all.
  void set_timer(base::Instant deadline);

  static void on_timer(uv_poll_t* handle, int status, int events);
};

}  // namespace tonio::reactor
