// What spawn_blocking() gives, for the files that make it up: an operation (blocking_call.cpp) and
// a job of the pool (blocking_job.cpp) in one object. The job begins when the call is made; the
// operation waits for its end. While it runs it stands in a list (running_calls.cpp).
//
// Cancelling the waiter takes a job that is still queued out of the pool; one that a
// thread has taken and not begun ends there without a call. In one that runs,
// CancelledError is raised at the thread's next Python instruction, and the waiter waits
// until the call has ended: nothing of it runs on behind its back. What is raised this way
// can't reach the thread's next job. Both sides go through `phase`.
// Calls whose effect must not be left half done, or be lost, ask for less (OnCancel).
// That is so until a run or the program ends (abandon_late_calls): whether a call's outcome is its
// own or that of its being abandoned, goes through `settled`.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "python/blocking_call.h"
#include "python/interruption.h"
#include "python/operation.h"
#include "python/py.h"
#include "python/spawn_site.h"
#include "python/thread_context.h"
#include "scheduler/blocking_pool.h"
#include "sync/event.h"

namespace tonio::python {

struct BlockingCall;

class BlockingCallJob final : public scheduler::BlockingJob {
 public:
  explicit BlockingCallJob(BlockingCall& call) : call_(call) {}
  void run() override;
  void tell() override;
  void drop() override;

 private:
  BlockingCall& call_;
};

// A call's place in the list of those that run, while its thread is in it.
struct RunningCall final : base::ListHook, Interruptible {
  explicit RunningCall(BlockingCall& running) : call(running) {}
  void interruption_raised() override;
  void interruption_lost() override;
  BlockingCall& call;
  PyThreadState* const thread = PyThreadState_Get();
};

struct BlockingCall {
  enum Phase : std::uint32_t {
    kNotBegun,
    kRefused,  // cancelled before it began
    kRunning,
    kInterrupting,  // a waiter is about to raise CancelledError in the thread
    kInterrupted,   // it has; the call may or may not have noticed yet
    kEnded,
  };

  Operation base;
  PyObject* function;  // owned, until it has been called
  PyObject* args;      // owned: positional arguments, then the values of keywords
  PyObject* keywords;  // owned or null: names of the last arguments
  PyObject* context;   // owned or null
  OnCancel on_cancel;
  // Written by who settles the call, before `done` is set.
  PyObject* result;
  PyObject* error;             // raised by the first task that gets it
  PyObject* error_for_others;  // a copy, raised by nobody: to be copied for each other one
  std::atomic<bool> settled;
  std::atomic<bool> observed;     // somebody has got the result
  std::atomic<unsigned> waiters;  // tasks that wait
  // When a task that ends with its run has asked it to end, and the task's group, which is written
  // first.
  std::atomic<base::Instant> asked_at;
  std::atomic<TaskGroup> group;
  std::atomic<bool> heard;  // CancelledError has been raised in it
  std::atomic<std::uint32_t> phase;
  unsigned long thread;  // the pool's thread; valid from kRunning on
  BlockingCallJob job;
  sync::Event done;
  SpawnSite site;
  bool settled_by_job;  // for who ends it: its thread, or who has withdrawn it
  // The object, and its job until it has told its end, for which the memory outlives the object.
  std::atomic<unsigned> users;
};

inline BlockingCall* as_call(PyObject* self) { return reinterpret_cast<BlockingCall*>(self); }
inline PyObject* as_object(BlockingCall& call) { return reinterpret_cast<PyObject*>(&call); }

// What it calls, with what, is of no use to it any more. Attached.
void drop_arguments(BlockingCall& call);

// By each of its two users once; the last one frees the memory.
struct FreeCall {
  void operator()(BlockingCall* call) const {
    if (call->users.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    call->done.~Event();
    call->job.~BlockingCallJob();
    PyObject_GC_Del(call);
  }
};

// One of both, result or error, is what waiting for the call gives, once `done` is set. False, and
// neither has been taken, when it is settled already. Attached.
bool settle(BlockingCall& call, Ref& result, Ref& error);

// For a call that nobody has begun and nobody is going to: it ends with CancelledError. The pool's
// reference to the call ends with this; tell_end() has to follow. Attached.
void finish_without_call(BlockingCall& call);
// Wakes who waits. Runs no code of the program.
void tell_end(BlockingCall& call);

}  // namespace tonio::python
