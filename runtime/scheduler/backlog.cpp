#include "scheduler/backlog.h"

#include <new>

namespace tonio::scheduler {

void Backlog::push_nested(task::Task& spawn) {
  try {
    nested_.insert(nested_.begin() + static_cast<std::ptrdiff_t>(below_turn_), &spawn);
  } catch (const std::bad_alloc&) {
    roots_.push_back(spawn);
  }
}

void Backlog::forget_turn() {
  on_turn_ = nullptr;
  pushed_in_turn_ = false;
  has_turn_.store(false, std::memory_order_release);
}

void Backlog::push(task::Task& spawn) {
  base::MutexLock lock(mutex_);
  if (on_turn_) {
    pushed_in_turn_ = true;
    push_nested(spawn);
  } else {
    roots_.push_back(spawn);
  }
  count();
}

task::Task* Backlog::pop() {
  if (empty()) return nullptr;
  base::MutexLock lock(mutex_);
  // A root's turn may nest one more, so the more there are, the rarer.
  const bool root_first =
      ++turns_since_root_ > kRootInterval * (nested_.size() + 1) && !roots_.empty();
  if (!nested_.empty() && !root_first) {
    on_turn_ = nested_.back();
    nested_.pop_back();
    kind_on_turn_ = Kind::kNested;
  } else if ((on_turn_ = roots_.pop_front())) {
    kind_on_turn_ = Kind::kRoot;
    turns_since_root_ = 0;
  } else {
    return nullptr;  // a colleague was faster
  }
  below_turn_ = nested_.size();
  has_turn_.store(true, std::memory_order_release);
  count();
  return on_turn_;
}

void Backlog::put_back(task::Task& spawn) {
  base::MutexLock lock(mutex_);
  if (on_turn_ == &spawn && kind_on_turn_ == Kind::kNested) {
    push_nested(spawn);
  } else {
    roots_.push_back(spawn);
  }
  forget_turn();
  count();
}

void Backlog::end_turn() {
  if (!on_turn_) return;
  base::MutexLock lock(mutex_);
  forget_turn();
}

task::Task* Backlog::steal() {
  if (empty() && !has_turn_.load(std::memory_order_acquire)) return nullptr;
  base::MutexLock lock(mutex_);
  if (task::Task* root = roots_.front()) {
    if (task::Task* part = root->split()) return part;
    (void)roots_.pop_front();
    count();
    return root;
  }
  if (!nested_.empty()) {
    task::Task* nested = nested_.front();
    if (task::Task* part = nested->split()) return part;
    nested_.erase(nested_.begin());
    if (below_turn_ > 0) --below_turn_;
    count();
    return nested;
  }
  return on_turn_ ? on_turn_->split() : nullptr;
}

}  // namespace tonio::scheduler
