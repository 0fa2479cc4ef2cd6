// What waits for a blocking call.
#include "python/blocking_call.h"

#include <memory>
#include <new>
#include <utility>

#include "base/futex.h"
#include "python/blocking_call_object.h"
#include "python/coro_task.h"
#include "python/errors.h"
#include "python/exception_copy.h"
#include "python/host.h"
#include "python/interruption.h"
#include "python/join.h"
#include "python/pending_work.h"

namespace tonio::python {
namespace {

using enum BlockingCall::Phase;

PyTypeObject blocking_call_type = empty_type();

// The exception of a call that has failed, for one task to raise.
Ref take_error(BlockingCall& call) {
  if (!call.observed.exchange(true, std::memory_order_relaxed)) return Ref::borrow(call.error);
  return copy_exception(call.error_for_others);
}

Poll call_result(BlockingCall& call, PyObject*& result) {
  if (call.error) {
    PyErr_SetRaisedException(take_error(call).release());
    return Poll::kError;
  }
  call.observed.store(true, std::memory_order_relaxed);
  result = Py_NewRef(call.result);
  return Poll::kReady;
}

// Puts the arming task in line. kReady: the call has ended, and the task is not armed.
Poll wait_for_call(BlockingCall& call, CoroTask& task) {
  call.waiters.fetch_add(1);
  if (call.done.wait(task.waiter())) return Poll::kPending;
  call.waiters.fetch_sub(1);
  (void)task.state().cancel_arming();
  return Poll::kReady;
}

void call_abandon(PyObject* self, CoroTask& task, bool) {
  BlockingCall& call = *as_call(self);
  call.done.cancel_wait(task.waiter());
  call.waiters.fetch_sub(1);
  task.forget_noted_cancel();
}

// Keeps a call from beginning, or raises CancelledError in the thread that runs it.
void stop(BlockingCall& call) {
  if (call.on_cancel == OnCancel::kShield) return;
  if (Host::instance().runtime().blocking_pool().withdraw(call.job)) {
    finish_without_call(call);
    return tell_end(call);
  }
  std::uint32_t phase = kNotBegun;
  if (call.phase.compare_exchange_strong(phase, kRefused)) return;
  if (call.on_cancel != OnCancel::kInterrupt) return;
  phase = kRunning;
  if (!call.phase.compare_exchange_strong(phase, kInterrupting)) return;
  interrupt(call.thread);
  call.phase.store(kInterrupted);
  base::futex_wake(call.phase, 1);
}

// CancelledError, or the call's own failure, with that as its context, as where a finally
// block fails: a scope that ends the cancellation would swallow the failure with it.
Poll raise_cancelled_call(BlockingCall& call, CoroTask& task) {
  task.forget_noted_cancel();
  (void)raise_cancelled(task);
  if (call.done.is_set() && call.error &&
      !PyErr_GivenExceptionMatches(call.error, cancelled_error)) {
    PyObject* cancelled = PyErr_GetRaisedException();
    Ref error = take_error(call);
    PyException_SetContext(error.get(), cancelled);
    PyErr_SetRaisedException(error.release());
  }
  return Poll::kError;
}

// By a task that ends with its run: from here on the call has the grace time.
void note_asked(BlockingCall& call, const CoroTask& task) {
  if (call.asked_at.load() != base::kNever) return;
  call.group.store(task.group());
  call.asked_at.store(base::now());
}

// For a task that is cancelled and the last one that waits: ends the call first, if it has not.
Poll end_call(BlockingCall& call, CoroTask& task, PyObject*& result) {
  while (!call.done.is_set()) {
    // Another request may come while the call ends.
    task.note_cancel();
    stop(call);
    if (task.ends_with_run()) note_asked(call, task);
    if (!task.state().begin_arming()) continue;
    if (wait_for_call(call, task) == Poll::kPending) return Poll::kPending;
  }
  const bool ran = !call.error || !PyErr_GivenExceptionMatches(call.error, cancelled_error);
  if (call.on_cancel == OnCancel::kInterrupt || !ran) return raise_cancelled_call(call, task);
  task.forget_noted_cancel();
  task.renew_cancel();
  return call_result(call, result);
}

// A task may be cancelled between making the call and waiting for it: the call is its
// own all the same.
Poll call_start(PyObject* self, CoroTask& task, PyObject*& result) {
  BlockingCall& call = *as_call(self);
  const bool cancelled = task.state().cancel_requested();
  if (call.done.is_set()) {
    return cancelled ? end_call(call, task, result) : call_result(call, result);
  }
  if (cancelled || !task.state().begin_arming()) {
    return call.waiters.load() > 0 ? raise_cancelled_call(call, task)
                                   : end_call(call, task, result);
  }
  if (wait_for_call(call, task) == Poll::kPending) return Poll::kPending;
  return call_result(call, result);
}

Poll call_resume(PyObject* self, CoroTask& task, PyObject*& result) {
  BlockingCall& call = *as_call(self);
  const bool cancelled =
      task.state().reason() == task::WakeReason::kCancelled || task.ending_cancelled();
  call.done.cancel_wait(task.waiter());
  const bool others_wait = call.waiters.fetch_sub(1) > 1;
  if (!cancelled) return call_result(call, result);
  // The call is theirs as well, so it goes on.
  return others_wait ? raise_cancelled_call(call, task) : end_call(call, task, result);
}

constexpr OperationKind kCallKind{call_start, call_resume, call_abandon, true};

int call_clear(PyObject* self) {
  BlockingCall& call = *as_call(self);
  if (call.done.is_set()) Py_CLEAR(call.result);
  return 0;
}

int call_traverse(PyObject* self, visitproc visit, void* arg) {
  BlockingCall& call = *as_call(self);
  // Before that its outcome may be being written; the rest is the pool thread's.
  if (!call.done.is_set()) return 0;
  Py_VISIT(call.result);
  Py_VISIT(call.error);
  Py_VISIT(call.error_for_others);
  return call.site.traverse(visit, arg);
}

// Not in dealloc: the collector has emptied the exception by then, if it is garbage, too.
void call_finalize(PyObject* self) {
  BlockingCall& call = *as_call(self);
  if (call.error && !call.observed.load(std::memory_order_relaxed) &&
      !PyErr_GivenExceptionMatches(call.error, cancelled_error)) {
    report_unawaited("blocking call", call.error, call.site);
  }
}

void call_dealloc(PyObject* self) {
  if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
  PyObject_GC_UnTrack(self);
  BlockingCall& call = *as_call(self);
  drop_arguments(call);
  Py_XDECREF(call.result);
  Py_XDECREF(call.error);
  Py_XDECREF(call.error_for_others);
  call.site.~SpawnSite();
  FreeCall()(&call);
}

}  // namespace

PyObject* make_blocking_call(PyObject* function, Ref args, Ref keywords, OnCancel on_cancel) {
  Host& host = Host::instance();
  if (!PyCallable_Check(function)) {
    PyErr_Format(PyExc_TypeError, "tonio.spawn_blocking() takes a function, not %R", function);
    return nullptr;
  }
  if (!host.check_running()) return nullptr;
  Ref context;
  if (host.contexts.load(std::memory_order_relaxed)) {
    context = Ref::steal(PyContext_CopyCurrent());
    if (!context) return nullptr;
  }
  BlockingCall* call = PyObject_GC_New(BlockingCall, &blocking_call_type);
  if (!call) return nullptr;
  call->base.kind = &kCallKind;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args.get()); ++i) {
    (void)share(Ref::steal(PyTuple_GET_ITEM(args.get(), i)));  // stays where it is
  }
  call->function = new_shared_ref(function);
  call->args = share(std::move(args));
  call->keywords = share(std::move(keywords));
  call->context = share(std::move(context));
  call->on_cancel = on_cancel;
  call->result = call->error = call->error_for_others = nullptr;
  new (&call->settled) std::atomic<bool>(false);
  new (&call->observed) std::atomic<bool>(false);
  new (&call->waiters) std::atomic<unsigned>(0);
  new (&call->asked_at) std::atomic<base::Instant>(base::kNever);
  new (&call->group) std::atomic<TaskGroup>(kNoGroup);
  new (&call->heard) std::atomic<bool>(false);
  new (&call->phase) std::atomic<std::uint32_t>(kNotBegun);
  call->thread = 0;
  new (&call->job) BlockingCallJob(*call);
  new (&call->done) sync::Event();
  new (&call->site) SpawnSite(SpawnSite::here());
  call->settled_by_job = false;
  new (&call->users) std::atomic<unsigned>(2);
  PyObject_GC_Track(call);
  Ref self = Ref::steal(as_object(*call));
  Ref of_pool = Ref::steal(new_shared_ref(self.get()));  // until finish()
  std::unique_ptr<BlockingCall, FreeCall> memory(call);  // until tell_end()
  if (!host.runtime().blocking_pool().submit(call->job)) {
    PyErr_SetString(PyExc_RuntimeError,
                    "the blocking pool takes no call: the runtime stops, or the system refuses "
                    "another thread");
    return nullptr;
  }
  (void)of_pool.release();
  (void)memory.release();
  return self.release();
}

bool init_blocking_call() {
  blocking_call_type.tp_name = "tonio.BlockingCall";
  blocking_call_type.tp_basicsize = sizeof(BlockingCall);
  blocking_call_type.tp_flags = Py_TPFLAGS_HAVE_GC;
  blocking_call_type.tp_traverse = call_traverse;
  blocking_call_type.tp_clear = call_clear;
  blocking_call_type.tp_finalize = call_finalize;
  blocking_call_type.tp_dealloc = call_dealloc;
  return init_pending_work() && init_interruption() && ready_operation_type(blocking_call_type);
}

}  // namespace tonio::python
