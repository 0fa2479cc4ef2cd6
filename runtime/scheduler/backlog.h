// What a worker has been told to make tasks of and has not made yet: large spawns, which run in
// turns (task::Task::Outcome::kToBacklog) when nothing is ready.
//
// A spawn that is made within another one's turn is *nested* in it and comes first: so a tree of
// tasks is run branch by branch, while that branch is in the cache, and not level by level. The
// others, the *roots*, take turns. Colleagues take a part of the root that comes next, of a nested
// one where there is none, or of the one whose turn it is.
#pragma once

#include <cstddef>
#include <vector>

#include "base/atomic.h"
#include "base/mutex.h"
#include "task/task.h"

namespace tonio::scheduler {

class Backlog {
 public:
  // By the worker. A new one; those of one turn come in the order in which they were pushed.
  void push(task::Task& spawn);
  // The next one to have a turn, or null.
  task::Task* pop();
  // Whose turn it is, or null.
  const task::Task* on_turn() const { return on_turn_; }
  // Its turn is over, and it is not done.
  void put_back(task::Task& spawn);
  // Its turn is over, and it is about to be deleted. Harmless when there is none.
  void end_turn();
  // Whether something has been pushed in this turn.
  bool pushed_in_turn() const { return pushed_in_turn_; }

  // By a colleague: a part (task::Task::split), or one as a whole, or null.
  task::Task* steal();

  // Whether nothing waits for its turn; a snapshot.
  bool empty() const { return waiting_.load(std::memory_order_acquire) == 0; }

 private:
  enum class Kind { kRoot, kNested };

  // Turns, for each nested one that is left, after which a root has one even so: those may be
  // without end.
  static constexpr std::size_t kRootInterval = 64;

  // mutex_ is held:
  void forget_turn();
  // Where there is no memory for that it becomes a root, whose turn comes as well.
  void push_nested(task::Task& spawn);
  void count() { waiting_.store(roots_.size() + nested_.size(), std::memory_order_release); }

  // Of the worker alone.
  bool pushed_in_turn_ = false;
  std::size_t turns_since_root_ = 0;

  base::Mutex mutex_;
  // Guarded by mutex_, as what follows; written by the worker, which may look without it.
  task::Task* on_turn_ = nullptr;
  Kind kind_on_turn_ = Kind::kRoot;
  task::TaskList roots_;
  std::vector<task::Task*> nested_;
  // How many were nested when the turn began: what comes now goes right above them.
  std::size_t below_turn_ = 0;
  // Written under mutex_, so that idle workers needn't take the lock to look.
  base::Atomic<std::size_t> waiting_{0};
  base::Atomic<bool> has_turn_{false};
};

}  // namespace tonio::scheduler
