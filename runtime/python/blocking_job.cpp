// A blocking call on its thread of the pool: the call itself, its end, and being interrupted.
#include "python/blocking_call_object.h"

#include "base/futex.h"
#include "python/errors.h"
#include "python/exception_copy.h"
#include "python/forked_child.h"
#include "python/host.h"
#include "python/join.h"
#include "python/pending_work.h"
#include "python/run_interruption.h"
#include "python/running_calls.h"

namespace tonio::python {
namespace {

using enum BlockingCall::Phase;

PyObject* call_function(BlockingCall& call) {
  if (call.context && PyContext_Enter(call.context) != 0) return nullptr;
  const Py_ssize_t named = call.keywords ? PyTuple_GET_SIZE(call.keywords) : 0;
  PyObject* result = PyObject_Vectorcall(
      call.function, &PyTuple_GET_ITEM(call.args, 0),
      static_cast<std::size_t>(PyTuple_GET_SIZE(call.args) - named), call.keywords);
  if (call.context) {
    PyObject* pending = PyErr_GetRaisedException();
    if (PyContext_Exit(call.context) != 0) PyErr_WriteUnraisable(call.context);
    PyErr_SetRaisedException(pending);
  }
  return result;
}

// After this no interrupt can come any more; takes back one that has not been noticed.
void end_running(BlockingCall& call) {
  std::uint32_t phase = kRunning;
  if (call.phase.compare_exchange_strong(phase, kEnded)) return;
  // The waiter is attached while it interrupts and needs this thread for nothing, so
  // it is done in a moment.
  while (call.phase.load() == kInterrupting) {
    const Detached detached;
    base::futex_wait(call.phase, kInterrupting);
  }
  PyThreadState_SetAsyncExc(call.thread, nullptr);
  call.phase.store(kEnded);
}

// The pool's reference to the call ends with this; tell_end() has to follow.
void finish(BlockingCall& call, Ref result, Ref error) {
  drop_arguments(call);
  call.settled_by_job = settle(call, result, error);
  if (!call.settled_by_job && error) {
    if (asks_for_end(error.get())) {
      Host::instance().abort_run(error.get());
    } else if (!PyErr_GivenExceptionMatches(error.get(), cancelled_error)) {
      report_unawaited("blocking call", error.get(), call.site);
    }
  }
  Py_DECREF(as_object(call));
}

}  // namespace

void drop_arguments(BlockingCall& call) {
  Py_CLEAR(call.function);
  Py_CLEAR(call.args);
  Py_CLEAR(call.keywords);
  Py_CLEAR(call.context);
}

bool settle(BlockingCall& call, Ref& result, Ref& error) {
  if (call.settled.exchange(true)) return false;
  if (error) call.error_for_others = share(copy_exception(error.get()));
  call.error = share(std::move(error));
  call.result = share(std::move(result));
  return true;
}

void tell_end(BlockingCall& call) {
  if (call.settled_by_job) call.done.set();
  FreeCall()(&call);
}

void finish_without_call(BlockingCall& call) {
  PyErr_SetNone(cancelled_error);
  finish(call, Ref(), Ref::steal(PyErr_GetRaisedException()));
}

void RunningCall::interruption_raised() { call.heard.store(true); }

void RunningCall::interruption_lost() {
  call.heard.store(false);
  const std::uint32_t phase = call.phase.load();
  if (phase == kInterrupting || phase == kInterrupted) interrupt(call.thread);
}

void BlockingCallJob::run() {
  BlockingCall& call = call_;
  run_pending_work();  // before an interrupt can come
  leave_if_forked();
  call.thread = PyThread_get_thread_ident();
  std::uint32_t phase = kNotBegun;
  if (!call.phase.compare_exchange_strong(phase, kRunning)) return finish_without_call(call);
  RunningCall running(call);
  add_running_call(running);
  Ref result = Ref::steal(call_function(call));
  leave_if_forked();
  Ref error = Ref::steal(result ? nullptr : PyErr_GetRaisedException());
  remove_running_call(running);
  end_running(call);
  if (error) end_interruption(error.get());
  finish(call, std::move(result), std::move(error));
}

void BlockingCallJob::tell() { tell_end(call_); }

void BlockingCallJob::drop() {
  PyErr_SetString(cancelled_error, "the runtime stops");
  finish(call_, Ref(), Ref::steal(PyErr_GetRaisedException()));
  tell_end(call_);
}

}  // namespace tonio::python
