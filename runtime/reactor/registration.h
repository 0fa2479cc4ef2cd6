// One descriptor's readiness: who waits for it, and what it is watched for.
//
// It is watched from the first wait on, and until it is ready and nobody waits (lazy disarm);
// for reading, until that has been found several times: who was woken may not have had its turn.
// So a connection that is read, answered and read again costs no system call besides its
// own. Readiness is level-triggered, so nothing is missed in between.
#pragma once

#include "base/mutex.h"
#include "task/wait_queue.h"

namespace tonio::reactor {

class Reactor;

enum class Interest : unsigned { kRead = 1, kWrite = 2 };

class Registration {
 public:
  // `fd` stays the caller's, open until release(). Throws std::bad_alloc.
  Registration(Reactor& reactor, int fd);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  // After release().
  ~Registration() = default;

  // Puts an arming task in line for readiness. False when the descriptor is released or
  // can't be watched (error() tells why); the waiter is not in line then.
  [[nodiscard]] bool wait(Interest interest, task::Waiter& waiter);
  // By a resumed task that was not woken by readiness.
  void cancel_wait(Interest interest, task::Waiter& waiter);

  // Wakes everybody; further waits fail with EBADF.
  void shut();
  // Shuts it. When this returns, the descriptor is watched no more and may be closed.
  void release();

  // The errno of a failed wait.
  int error();

 private:
  friend class WatchSet;

  // mutex_ is held:
  task::WaitQueue& queue(Interest interest) {
    return interest == Interest::kRead ? readers_ : writers_;
  }
  // What it is watched for: what somebody waits for, and what is watched already.
  unsigned wanted() const;
  // The set has found `events` (epoll_ctl(2)). Gives what it is to be watched for from now on.
  unsigned take(unsigned events, task::TaskList& ready);
  unsigned take_change(task::TaskList& ready);
  void fail(int error, task::TaskList& ready);

  Reactor& reactor_;
  const int fd_;

  base::Mutex mutex_;
  // Guarded by mutex_.
  task::WaitQueue readers_;
  task::WaitQueue writers_;
  int error_ = 0;
  // An error was found. One that stays (in a socket's error queue) would be found again and again,
  // whatever one waits for. From now on changes are watched, and missed_ holds the interests
  // whose last change nobody waited for.
  bool keeps_error_ = false;
  unsigned missed_ = 0;
  // What the set watches it for; written by who also holds the set.
  unsigned armed_ = 0;
  // How often something to read was found that nobody waited for, since somebody did.
  unsigned untaken_ = 0;
};

}  // namespace tonio::reactor
