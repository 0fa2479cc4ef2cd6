// A task that runs Python code: a generator, a native coroutine or another awaitable,
// and the coroutines that it has called by yielding them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "python/operation.h"
#include "python/py.h"
#include "python/thread_context.h"
#include "task/task.h"

namespace tonio::python {

class Claimed;
class Join;
class TaskLook;

// The iterator that drives `object` when a task runs it, as a new reference and claimed
// for that task (coroutine_claim.h): a generator or coroutine itself, else what __await__
// gives; when a task has that already, an iterator that waits for its outcome. Null with
// a TypeError set.
// `doing` completes its message ("tonio.spawn() takes").
PyObject* drivable(PyObject* object, const char* doing);

class CoroTask final : public task::Task {
 public:
  // Operations that finish at once which a task may make before it gives way.
  static constexpr unsigned kBudget = 128;

  explicit CoroTask(task::Waker& waker) : Task(waker) {}

  // Begins a task in this object: takes over the iterator and the context (which may
  // be null); `join` counts it as its task number `index`. The caller schedules it.
  void begin(PyObject* iterator, Join& join, std::size_t index, PyObject* context,
             const Origin& origin);

  Outcome run() override;

  // Also one that was being spawned as all others were marked: the next round asks it.
  bool is_to_end() const override;

  // By an operation that the running coroutine awaits.
  Poll drive_awaited(PyObject* operation, PyObject*& result);
  // Leaves the operation, if there is one, that the task was not suspended on after all.
  void abandon_operation();

  // Before that era (EndOfTasks::ask_tasks). They come again after 2^32.
  bool began_before(std::uint32_t era) const {
    return static_cast<std::int32_t>(era_.load(std::memory_order_relaxed) - era) < 0;
  }
  // Whether it is cancelled because the run ends: it was asked to end, or has waited for a task
  // that was, and is spared. From any thread: the task may be about to end.
  bool ends_with_run() const { return state().ends_with_run(); }
  // It has waited for one that was cancelled because its run ended. False when the end that is
  // under way is not that of this task. By the task itself.
  bool end_with_run();
  // What a task takes over that this one spawns. By the task itself.
  Origin origin() const;
  TaskGroup group() const { return group_.load(std::memory_order_relaxed); }
  // It is not asked to end with its run.
  bool cleaning_up() const { return cleaning_up_.load(std::memory_order_relaxed); }

  // For operations that can't be left at once: a cancellation has been taken note of and
  // will be raised when the operation has ended.
  bool ending_cancelled() const { return ending_cancelled_; }
  void note_cancel();
  void forget_noted_cancel() { ending_cancelled_ = false; }

  // Whether the coroutine is one of those that the task runs. By the task itself.
  bool is_running(PyObject* coroutine) const;

  // Whether the scope ends after this task. By the task itself.
  bool is_child_of(const PyObject* scope) const;

  // The task has left the scope and not waited for its children: it ends after them.
  void wait_at_end(PyObject* scope);
  // It has waited for them.
  void has_waited(PyObject* scope);
  // Cancels those of the scopes that wait_at_end() was told of and that were entered inside of
  // the given one (task::CancelScope::Id; kWholeTask: all): what ends the work around them ends
  // them. By the task itself.
  void cancel_left_scopes(std::uint64_t within) const;

  // What it runs and where it was spawned. Attached.
  std::string describe() const;

 private:
  friend class TaskLook;  // while the world is stopped

  enum class Step { kSuspend, kGiveWay, kEnd };

  [[gnu::always_inline]] inline Step advance();
  Step await_children();
  void keep_outcome_if_asked(PyObject* result);
  Step dispatch(PyObject* yielded, Ref& input, bool& throwing);
  Step wait_on(PyObject* operation, Poll poll, bool awaited, bool started);
  Poll drive(PyObject* operation, PyObject*& result, bool& started);  // throws std::bad_alloc
  [[gnu::cold]] Poll fail_without_memory(PyObject* operation);
  // Throws std::bad_alloc.
  void push(Claimed iterator);
  // Drops the innermost coroutine. False when that was the last one.
  bool pop();
  // What the task runs, or the coroutine that an object of the interpreter's drives. Borrowed or
  // null.
  PyObject* outermost() const;
  void end();

  std::atomic<bool> cleaning_up_{false};
  std::atomic<std::uint32_t> era_{0};
  std::atomic<TaskGroup> group_{kNoGroup};

  // All of these belong to whoever owns the task.
  PyObject* top_ = nullptr;                    // the innermost coroutine, owned
  std::vector<PyObject*>* callers_ = nullptr;  // the ones that wait for it, owned
  PyObject* operation_ = nullptr;              // what the task waits on, owned
  PyObject* result_ = nullptr;                 // what the outermost coroutine returned, owned
  PyObject* error_ = nullptr;                  // what it raised, while it waits for children; owned
  PyObject* left_scopes_ = nullptr;  // see wait_at_end(); the newest, owned; next_left_scope()
  PyObject* context_ = nullptr;      // owned; null: it runs in its worker's
  Join* join_ = nullptr;             // null once the task is about to end
  std::size_t index_ = 0;
  bool awaited_ = false;     // operation_ is driven by the coroutine, not by the task
  bool started_op_ = false;  // operation_ has been started
  bool ending_cancelled_ = false;
  bool has_run_ = false;  // the first step has been made
};

}  // namespace tonio::python
