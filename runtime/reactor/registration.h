// One descriptor's readiness: who waits for it, and whether the loop watches it.
//
// The loop is told to watch when the first waiter comes, and to stop watching only
// when the descriptor is ready and nobody waits (lazy disarm); for reading, only once
// that has been reported several times: who was woken may not have had its turn. So a
// connection that is read, answered and read again costs no system call besides its
// own. Readiness is level-triggered, so nothing is missed in between.
#pragma once

#include <atomic>
#include <memory>

#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "task/wait_queue.h"

namespace tonio::reactor {

class Reactor;
struct LoopSide;

enum class Interest : unsigned { kRead = 1, kWrite = 2 };

class Registration : public base::ListHook {
 public:
  // Whether the descriptor is non-blocking for good, or keeps its mode: libuv would make
  // it non-blocking, for everybody who shares it.
  enum class Mode { kNonBlocking, kAsItIs };

  // `fd` stays the caller's, open until close() or release(). Throws std::bad_alloc.
  Registration(Reactor& reactor, int fd, Mode mode = Mode::kNonBlocking);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  // Puts an arming task in line for readiness. False when the descriptor is closed or
  // can't be watched (error() tells why); the waiter is not in line then.
  [[nodiscard]] bool wait(Interest interest, task::Waiter& waiter);
  // By a resumed task that was not woken by readiness.
  void cancel_wait(Interest interest, task::Waiter& waiter);

  // Wakes everybody; further waits fail with EBADF.
  void shut();
  // Shuts it, and closes the descriptor as soon as the loop has let go of it:
  // at once, or, when a worker polls just now, once that was woken.
  // With `now`, it is closed when this returns; the caller is detached then.
  void close(base::UniqueFd fd, bool now);
  // As close(), but the descriptor stays open and is the caller's when this returns.
  // The caller is detached.
  void release();

  // The errno of a failed wait.
  int error();

  // The owner needs it no more, after close() or release(). Frees it once the loop
  // doesn't need it either.
  void drop_owner() { drop(); }

 private:
  friend class Reactor;
  friend struct LoopSide;

  ~Registration();
  void drop();
  task::WaitQueue& queue(Interest interest) {
    return interest == Interest::kRead ? readers_ : writers_;
  }
  unsigned wanted() const {
    return (readers_.empty() ? 0u : static_cast<unsigned>(Interest::kRead)) |
           (writers_.empty() ? 0u : static_cast<unsigned>(Interest::kWrite));
  }
  // mutex_ is held.
  void fail(int error, task::TaskList& ready);

  Reactor& reactor_;
  const int fd_;
  const Mode mode_;
  // The owner, and the loop from the first wait on until its handle is closed.
  std::atomic<unsigned> owners_{1};

  base::Mutex mutex_;
  // Guarded by mutex_.
  task::WaitQueue readers_;
  task::WaitQueue writers_;
  int error_ = 0;
  base::UniqueFd to_close_;
  // The poll has told of an error, so it would go on to. From now on changes are watched
  // (LoopSide::edges), and missed_ holds the interests whose last change nobody waited for.
  bool keeps_error_ = false;
  unsigned missed_ = 0;
  // Guarded by mutex_; written by who also holds the loop.
  unsigned armed_ = 0;
  // How often something to read was told of that nobody waited for, since somebody did.
  unsigned untaken_ = 0;

  // Guarded by the reactor's loop lock.
  std::unique_ptr<LoopSide> loop_side_;
  // For the first wait, which a worker may serve whose poll must not want for memory.
  std::unique_ptr<LoopSide> spare_side_;

  // Link of the reactor's request list; guarded by that list's lock.
  Registration* next_request_ = nullptr;
  bool requested_ = false;
};

}  // namespace tonio::reactor
