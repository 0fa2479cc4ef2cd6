// One descriptor's readiness: who waits for it, and what it is watched for.
//
// It is watched from the first wait on, and until it is ready and nobody waits (lazy disarm);
// for reading, until that has been found several times: who was woken may not have had its turn.
// So a connection that is read, answered and read again costs no system call besides its
// own. Readiness is level-triggered, so nothing is missed in between; where an error stays, whoever
// waits looks for himself, and changes are told (decision 14).
#pragma once

#include "base/mutex.h"
#include "task/wait_queue.h"

namespace tonio::reactor {

class Reactor;

// kError is for who takes errors from a socket's queue, beside which other readiness may last: it
// is told of changes, whatever they are.
enum class Interest : unsigned { kRead = 1, kWrite = 2, kError = 4 };
// Beside them: that changes are watched, not the state.
inline constexpr unsigned kByEdges = 8;

class Registration {
 public:
  // `fd` stays the caller's, open until release(). Throws std::bad_alloc.
  Registration(Reactor& reactor, int fd);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  // After release().
  ~Registration() = default;

  // Puts an arming task in line for readiness. 0, or errno's value when the descriptor is released
  // or can't be watched: the waiter is not in line then, but may have been claimed.
  [[nodiscard]] int wait(Interest interest, task::Waiter& waiter);
  // By a resumed task that was not woken by readiness.
  void cancel_wait(Interest interest, task::Waiter& waiter);

  // Wakes everybody; further waits fail with EBADF.
  void shut();
  // Shuts it. When this returns, the descriptor is watched no more and may be closed.
  void release();

  // 0, or EBADF once it is shut.
  int error();

 private:
  friend class WatchSet;

  // Wakes who waits for what the descriptor is ready for at this moment.
  void wake_if_ready(Interest interest);

  // mutex_ is held:
  task::WaitQueue& queue(Interest interest) {
    return interest == Interest::kRead    ? readers_
           : interest == Interest::kWrite ? writers_
                                          : errors_;
  }
  bool waited_for() const { return !readers_.empty() || !writers_.empty() || !errors_.empty(); }
  // What it is watched for: what somebody waits for, and what is watched already.
  unsigned wanted() const;
  // The set has found `events` (epoll_ctl(2)). Gives what it is to be watched for from now on.
  unsigned take(unsigned events, task::TaskList& ready);
  unsigned take_change(task::TaskList& ready);
  void wake(task::TaskList& ready);
  void fail(int error, task::TaskList& ready);

  Reactor& reactor_;
  const int fd_;

  base::Mutex mutex_;
  // Guarded by mutex_.
  task::WaitQueue readers_;
  task::WaitQueue writers_;
  task::WaitQueue errors_;
  int error_ = 0;
  int refused_ = 0;  // errno's value, where the last attempt to watch it has failed
  // A socket's error was found, and is there yet. One that stays (in its error queue) would be
  // found again and again, whatever one waits for. So changes are watched, and missed_ holds the
  // interests whose last change nobody waited for: that may have been another error.
  bool keeps_error_ = false;
  unsigned missed_ = 0;
  // What the set watches it for; written by who also holds the set.
  unsigned armed_ = 0;
  // How often something to read was found that nobody waited for, since somebody did.
  unsigned untaken_ = 0;
};

}  // namespace tonio::reactor
