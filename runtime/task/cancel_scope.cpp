#include "task/cancel_scope.h"

namespace tonio::task {
namespace {

CancelScope::Id next_id() {
  static std::atomic<CancelScope::Id> last{CancelScope::kWholeTask};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

CancelScope::CancelScope(bool shield) : shield_(shield) {}

CancelScope::~CancelScope() {
  base::MutexLock lock(mutex_);
  TONIO_DCHECK(children_.empty() && waiters_.empty());
  if (host_) host_->unlink_scope(*this);
}

bool CancelScope::enter(Task& host) {
  base::MutexLock lock(mutex_);
  if (phase_ != Phase::kNew) return false;
  phase_ = Phase::kInside;
  ends_at_ = id_ = next_id();
  host_ = &host;
  host_had_heard_ = host.state().has_heard_of_end();
  host.link_scope(*this);
  if (cancelled_.load(std::memory_order_relaxed)) {
    spared_ = spared_ && host_ends_here();
    // The host runs, so there is nobody to schedule.
    if (!spared_) (void)host.request_cancel(this);
  }
  return true;
}

void CancelScope::open_for_children() {
  base::MutexLock lock(mutex_);
  phase_ = Phase::kInside;
  id_ = next_id();
}

bool CancelScope::leave(Task& host) {
  TaskList ready;
  {
    base::MutexLock lock(mutex_);
    if (phase_ != Phase::kInside || host_ != &host) return false;
    host_->unlink_scope(*this);
    host_ = nullptr;
    phase_ = Phase::kLeft;
    if (over_locked()) waiters_.claim_all(ready);
  }
  ready.wake_all();
  return true;
}

bool CancelScope::host_ends_here() const {
  return host_->is_to_end() && !host_had_heard_ && !host_->shielded_at(*this);
}

bool CancelScope::cancel(Ending ending) {
  TaskList ready;
  bool first = false;
  {
    base::MutexLock lock(mutex_);
    first = !cancelled_.load(std::memory_order_relaxed);
    // After one that has spared some, it is for those.
    if (!first && !(spared_ && ending == Ending::kCancel)) return false;
    // Of a host that is yet to enter it, that tells whether it ends with its run.
    spared_ = phase_ == Phase::kNew && ending == Ending::kSpare;
    cancelled_.store(true, std::memory_order_release);
    const auto is_meant = [&](bool ends) {
      if (!first) return ends;
      spared_ = spared_ || (ends && ending == Ending::kSpare);
      return !(ends && ending == Ending::kSpare);
    };
    if (host_ && is_meant(host_ends_here()) && host_->request_cancel(this)) {
      ready.push_back(*host_);
    }
    // A child in this list has not ended: it takes itself off first.
    children_.for_each([&](ChildLink& link) {
      const bool ends = link.task.is_to_end();
      if (is_meant(ends) && link.task.request_cancel(nullptr)) ready.push_back(link.task);
    });
  }
  ready.wake_all();
  return first;
}

CancelScope::Admission CancelScope::admission() {
  base::MutexLock lock(mutex_);
  if (phase_ == Phase::kNew) return Admission::kNotEntered;
  return cancelled_.load(std::memory_order_relaxed) || over_locked() ? Admission::kClosed
                                                                     : Admission::kOpen;
}

bool CancelScope::add_child(Task& child) {
  base::MutexLock lock(mutex_);
  if (cancelled_.load(std::memory_order_relaxed) || phase_ == Phase::kNew || over_locked()) {
    return false;
  }
  children_.push_back(child.child_link_);
  return true;
}

void CancelScope::remove_child(Task& child) {
  TaskList ready;
  {
    base::MutexLock lock(mutex_);
    children_.remove(child.child_link_);
    if (over_locked()) waiters_.claim_all(ready);
  }
  ready.wake_all();
}

bool CancelScope::over() {
  base::MutexLock lock(mutex_);
  return over_locked();
}

bool CancelScope::has_children() {
  base::MutexLock lock(mutex_);
  return !children_.empty();
}

bool CancelScope::wait(Waiter& waiter) {
  base::MutexLock lock(mutex_);
  if (over_locked()) return false;
  waiters_.push(waiter);
  return true;
}

void CancelScope::cancel_wait(Waiter& waiter) {
  base::MutexLock lock(mutex_);
  waiters_.remove(waiter);
}

}  // namespace tonio::task
