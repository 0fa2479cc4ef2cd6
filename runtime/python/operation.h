// The one native awaitable behind every call that suspends.
//
// It works three ways: `await op` and `yield from op` drive it through tp_iternext,
// inside the coroutine; `yield op` hands it to the worker, which drives it and sends
// the result in. Either way it first tries to finish at once, and only when it can't
// does the task suspend on it.
//
// A kind of operation states what to do in three functions. They run on a worker,
// attached, inside `task`:
//   start   tries; or registers the task with wakers (TaskState::begin_arming first)
//           and says kPending.
//   resume  goes on after the task was woken (TaskState::reason tells why) or has
//           given way. A task that was not woken by what it waited for takes itself
//           off the wakers' lists here (WaitQueue's abort contract). May say kPending
//           again.
//   Where these two throw std::bad_alloc the operation fails with a MemoryError; what they
//   have armed is abandoned. What they hold otherwise they let go of themselves.
//   abandon takes the task off the wakers' lists, and nothing else: the task is not
//           going to be resumed on the operation. For what start or resume has left
//           armed. `woken`: a waker has claimed the task, TaskState::reason tells why;
//           what it handed over goes back where it came from.
// An operation holds what it was asked for and leaves what changes while it waits to
// the task, so it may be awaited again, and by several tasks; the kinds that can't do
// so claim themselves.
#pragma once

#include <cstdint>
#include <optional>

#include "python/py.h"
#include "task/task_state.h"

namespace tonio::python {

class CoroTask;

enum class Poll {
  kReady,    // `result` is set, a new reference
  kPending,  // the task is armed
  kGiveWay,  // the task is to be resumed after the others had a turn
  kError,    // a Python exception is set
};

struct OperationKind {
  Poll (*start)(PyObject* self, CoroTask& task, PyObject*& result);
  Poll (*resume)(PyObject* self, CoroTask& task, PyObject*& result);
  void (*abandon)(PyObject* self, CoroTask& task, bool woken);
  // start() is called with a cancel request pending, too, and delivers it itself.
  bool starts_cancelled = false;
  // Once it waits, only other code of the program (or a timer) ends the wait: nothing that
  // comes from outside the process does.
  bool waits_for_program = false;
};

// Every operation object begins with this.
struct Operation {
  PyObject_HEAD const OperationKind* kind;
};

// Prepares a type whose objects are operations. The caller has set tp_name,
// tp_basicsize, tp_dealloc and, where it holds objects, the slots for the collector.
[[nodiscard]] bool ready_operation_type(PyTypeObject& type);

PyObject* operation_next(PyObject* self);

inline bool is_operation(PyObject* object) {
  return Py_TYPE(object)->tp_iternext == operation_next;
}

// Starts `operation` for the task: a checkpoint, so it delivers a pending
// cancellation, and makes the task give way when its budget is used up (`started` is
// false then: it must be begun again). Throws std::bad_alloc, as start() and resume() do.
Poll begin_operation(PyObject* operation, CoroTask& task, PyObject*& result, bool& started);

// The task that this thread runs, for what is about to wait by `awaitable`. Null with a
// RuntimeError set that tells the remedy.
CoroTask* task_that_awaits(PyObject* awaitable);

// Sets CancelledError, which uses up the cancel requests made so far. Always kError.
Poll raise_cancelled(CoroTask& task);

// Raises the exception that is set: the outcome of another task, which `task` has waited for. When
// that was cancelled at the same time as this one, both cancellations are raised as one, so that
// the clean-up that the first begins is not cut off by the second. `ended_with_run`: that other
// task was cancelled because the run ends (CoroTask::ends_with_run).
Poll raise_outcome(CoroTask& task, bool ended_with_run);

// The scope that a CancelledError ends at (task::CancelScope::Id); none for one that
// raise_cancelled() has not made. Keeps an exception that is set.
std::optional<std::uint64_t> cancellation_target(PyObject* exception);
// False with an exception set.
[[nodiscard]] bool set_cancellation_target(PyObject* exception, std::uint64_t scope);

// For start() and resume() of kinds without a second part.
inline Poll ready_none(PyObject*& result) {
  result = Py_None;
  return Poll::kReady;
}

}  // namespace tonio::python
