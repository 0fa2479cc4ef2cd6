// A task: the unit that the scheduler runs. What a step does is up to the derived
// class; this one holds what schedulers, wait queues and timers need of any task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "task/task_state.h"

namespace tonio::task {

class CancelScope;
class Task;

// Takes over tasks that are ready to run. Thread-safe.
class Waker {
 public:
  // The caller owns `task` (TaskState): it comes from a won claim.
  virtual void wake(Task& task) = 0;

 protected:
  ~Waker() = default;
};

// One task's place in one wait queue; guarded by the queue's lock while linked.
struct Waiter : base::ListHook {
  explicit Waiter(Task& owner) : task(owner) {}

  Task& task;
  // What the waiter carries for its waker, or the waker hands over with the claim (a
  // message, say); the pair of waker and operation agree on its meaning. The task writes
  // it before it gets in line; from then on who holds the queue's lock has it, until the
  // task was resumed by a claim of the queue's, or has left the line under that lock.
  union {
    void* payload = nullptr;
    std::size_t number;
  };
};

// A task's timer; guarded by the timer queue's lock. A task has one at most.
struct Timer : base::ListHook {
  static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

  explicit Timer(Task& owner) : task(owner) {}
  bool set() const { return linked() || heap_position != kNowhere; }

  Task& task;
  base::Instant deadline = 0;
  std::uint32_t heap_position = kNowhere;
};

// A task's place among the children of a cancel scope; guarded by the scope's lock.
struct ChildLink : base::ListHook {
  explicit ChildLink(Task& child) : task(child) {}
  Task& task;
};

class Task {
 public:
  enum class Outcome {
    kGone,       // suspended or ended: no longer the worker's, not to be touched
    kGaveWay,    // ready to go on: the worker puts it behind the others
    kToBacklog,  // makes tasks, and has more to make: the worker lets what is ready run first
  };

  explicit Task(Waker& waker) : waker_(waker), timer_(*this), waiter_(*this), child_link_(*this) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  // Runs until the task suspends, gives way or ends. Called by the owner.
  [[nodiscard]] virtual Outcome run() = 0;

  // By another worker, while the task is in a backlog or has its turn there: a new task for a
  // part of what it has to make and has not begun to. Null: there is none, or it can't be split
  // yet.
  [[nodiscard]] virtual Task* split() { return nullptr; }

  // Whether the end of its run has asked it to end, or is going to. Any thread.
  [[nodiscard]] virtual bool is_to_end() const { return state_.ends_with_run(); }

  TaskState& state() { return state_; }
  const TaskState& state() const { return state_; }

  // A task waits for one thing at a time, so one waiter and one timer do.
  Waiter& waiter() { return waiter_; }
  Timer& timer() { return timer_; }

  // Hands an owned task to its scheduler.
  void wake() { waker_.wake(*this); }

  // Asks the task to end: CancelledError at its suspension point, unless a shield is in
  // the way. Harmless when it ends just now.
  void cancel();

  // Asks the task of that generation to end, because its run ends: once, and not one that was
  // spared or is over. True: it was suspended, and is the caller's to wake.
  [[nodiscard]] bool ask_to_end(TaskState::Generation generation);

  // By the running task, which is cleaning up already because its run ends: ask_to_end() comes
  // before, and has left its request, or has no effect.
  void spare();

  // By the running task, which is about to raise CancelledError: that covers all
  // requests which no shield holds back. Gives the scope that the cancellation ends at:
  // the outermost one that asked.
  std::uint64_t deliver_cancel();

  // By the running task: what deliver_cancel() would give.
  std::uint64_t cancel_target();

  // Requests that were taken note of (TaskState::deliver_cancel) and have not been
  // raised are raised at the next suspension after all. By the running task.
  void renew_cancel();

  // Whether the scope, one of the task's, or one further out is a shield. Any thread.
  bool shielded_at(const CancelScope& scope);

  // The ids of the scopes that the task has entered and not left, from the innermost on.
  std::vector<std::uint64_t> scopes();

  // A new task begins in this object.
  void forget_cancel() { undelivered_.store(false, std::memory_order_relaxed); }
  // The task is about to end: scopes that it has entered and not left lose their host.
  void drop_scopes() {
    if (innermost_.load(std::memory_order_relaxed)) drop_each_scope();
  }

 private:
  friend class CancelScope;
  friend class TaskList;

  // For CancelScope, which holds its own lock. A null scope stands for the task itself.
  // True: the task was suspended, and the caller must wake it.
  [[nodiscard]] bool request_cancel(CancelScope* scope);
  void drop_each_scope();
  void link_scope(CancelScope& scope);
  void unlink_scope(CancelScope& scope);
  // cancel_mutex_ is held:
  [[nodiscard]] bool request_cancel_locked(CancelScope* scope);
  bool shielded_from(const CancelScope* scope) const;
  std::uint64_t cancel_target_locked() const;
  void renew_cancel_flag();

  Waker& waker_;
  // Link of the run queue or list that owns the task.
  Task* next_ = nullptr;
  TaskState state_;
  base::Mutex cancel_mutex_;
  // The task itself was asked to end, and no CancelledError has covered that. Written
  // under cancel_mutex_ and, where a task begins, without it.
  base::Atomic<bool> undelivered_{false};
  // The scopes that the task is in. Written under cancel_mutex_; the task itself may look
  // whether there are any without it.
  base::Atomic<CancelScope*> innermost_{nullptr};

  Timer timer_;
  Waiter waiter_;
  ChildLink child_link_;
};

// A first-in first-out chain of owned tasks, linked through the tasks themselves.
class TaskList {
 public:
  TaskList() = default;
  TaskList(TaskList&& other) noexcept { append(other); }
  TaskList& operator=(TaskList&&) = delete;
  ~TaskList() { TONIO_DCHECK(empty()); }

  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }
  Task* front() const { return head_; }
  void push_back(Task& task) {
    TONIO_DCHECK(task.next_ == nullptr && tail_ != &task);
    (tail_ ? tail_->next_ : head_) = &task;
    tail_ = &task;
    ++size_;
  }
  void push_front(Task& task) {
    TONIO_DCHECK(task.next_ == nullptr && tail_ != &task);
    task.next_ = head_;
    head_ = &task;
    if (!tail_) tail_ = &task;
    ++size_;
  }
  Task* pop_front() {
    Task* task = head_;
    if (!task) return nullptr;
    head_ = task->next_;
    if (!head_) tail_ = nullptr;
    task->next_ = nullptr;
    --size_;
    return task;
  }
  // Takes everything from `other`.
  void append(TaskList& other);
  // Takes the first `count` (or fewer) of `other`.
  void take_front(TaskList& other, std::size_t count);
  // Hands every task to its scheduler.
  void wake_all();
  // Forgets the members, which somebody else owns.
  void clear() {
    while (pop_front()) {
    }
  }

 private:
  Task* head_ = nullptr;
  Task* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tonio::task
