// A part of a task's work that can be cancelled by itself, and the tasks that were
// started in it.
//
// A scope is entered by one task, its host, which keeps the scopes that it is in as a
// chain from the innermost to the outermost. Cancelling the scope asks its children to
// end and raises CancelledError in the host, once, at its next suspension inside the
// scope. A request from further out, or of the task itself, does not get past a scope
// that is a shield: it is kept and delivered when that scope has been left.
//
// Every request is delivered once: code that cleans up may suspend again. What has been
// asked for and not delivered is kept per scope and per task, under the host's lock; the
// flag in its state word says whether there is anything to deliver.
//
// While a CancelledError is on its way out of several scopes, code that cleans up in an
// inner one may be cancelled by that one (its time limit, say). The second exception takes
// the place of the first, so it goes as far out as the first would have: each scope keeps
// where the first one that was raised within it, and ends further out, ends (ends_at()).
//
// Lock order: a scope's lock, then a task's cancel lock, then those of wait queues and
// schedulers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "task/wait_queue.h"

namespace tonio::task {

class CancelScope {
 public:
  // What raise_cancelled() tells of a cancellation: the scope that it ends at.
  using Id = std::uint64_t;
  static constexpr Id kWholeTask = 0;

  explicit CancelScope(bool shield);
  // Nobody waits, and it has no children. Leaves the chain, if it is still in one.
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  // Given when it is entered: scopes that were entered later have greater ones.
  Id id() const { return id_; }

  // By the running task `host`. False when it has been entered before. A scope that is
  // cancelled already raises that in the host, at its next suspension.
  [[nodiscard]] bool enter(Task& host);
  // Without a host: for children only. As if it had been entered and left.
  void open_for_children();
  // By the host; from here on the scope's cancellation is no longer raised in it. False
  // when `host` isn't the task that has entered it, or has left it.
  [[nodiscard]] bool leave(Task& host);
  // By the host. Where a CancelledError that was raised for this scope, and leaves it, ends:
  // here, unless one that ends further out was raised within the scope before.
  Id ends_at() const { return ends_at_; }

  // Whether tasks that end with their run are cancelled as well: the end asks them itself, once,
  // and they may be cleaning up. kSpare is for what nobody has asked for, such as that a scope's
  // body has failed.
  enum class Ending { kCancel, kSpare };
  // From any thread, also before it is entered. False when it had been cancelled before; one that
  // follows kSpare cancels those that were spared.
  bool cancel(Ending ending = Ending::kCancel);
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // Whether tasks may be started in it: it has been entered, and neither cancelled nor is
  // it over.
  enum class Admission { kOpen, kNotEntered, kClosed };
  Admission admission();
  // Before the task is scheduled. False when the scope is cancelled or over, and the task
  // is not its child then.
  [[nodiscard]] bool add_child(Task& child);
  // By the child, which has ended.
  void remove_child(Task& child);

  // It has been left, and the last child has ended.
  bool over();
  bool has_children();
  // Puts an arming task in line for that. False when the scope is over.
  [[nodiscard]] bool wait(Waiter& waiter);
  void cancel_wait(Waiter& waiter);

  template <typename Visit>
  void for_each_child(Visit&& visit) {
    base::MutexLock lock(mutex_);
    children_.for_each([&](ChildLink& link) { visit(link.task); });
  }

 private:
  friend class Task;

  enum class Phase : std::uint8_t { kNew, kInside, kLeft };

  // Whether the end of its run is what cancels the host in here: it has asked, or is going to,
  // the host has not heard of it before, and no shield holds it back. mutex_ is held.
  bool host_ends_here() const;
  bool over_locked() const { return phase_ == Phase::kLeft && children_.empty(); }

  Id id_ = kWholeTask;
  const bool shield_;

  base::Mutex mutex_;
  // Written under mutex_.
  base::Atomic<bool> cancelled_{false};
  // Guarded by mutex_.
  Phase phase_ = Phase::kNew;
  bool spared_ = false;          // it was cancelled but for some, or will be when it is entered
  bool host_had_heard_ = false;  // of the end of its run, before it entered
  Task* host_ = nullptr;         // while it is in that task's chain
  base::IntrusiveList<ChildLink> children_;
  WaitQueue waiters_;

  // Guarded by the host's cancel lock.
  CancelScope* outer_ = nullptr;
  bool undelivered_ = false;

  Id ends_at_ = kWholeTask;  // the host's own
};

}  // namespace tonio::task
