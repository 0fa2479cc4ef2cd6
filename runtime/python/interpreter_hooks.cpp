#include "python/interpreter_hooks.h"

#include <atomic>
#include <cstdint>
#include <new>

#include "base/futex.h"
#include "python/async_generators.h"
#include "python/forked_child.h"
#include "python/host.h"
#include "python/pending_work.h"
#include "python/thread_context.h"

namespace tonio::python {

void* InterpreterHooks::prepare() {
  auto* context = new (std::nothrow) ThreadContext();
  if (context) Host::instance().starting_threads_.fetch_add(1);
  return context;
}

void InterpreterHooks::enter(void* state) {
  auto* context = static_cast<ThreadContext*>(state);
  this_thread = context;
  // A blocking thread is inside of calls for as long as they like, so what is dropped of its
  // objects is left to CPython.
  if (scheduler::Scheduler::current()) context->owner_id = _Py_ThreadId();
  Host::instance().register_thread(*context);
  // Made here, not in prepare(): a thread state belongs to the thread that makes it, and
  // with it the biased reference counts of the objects that are made under it.
  context->thread_state = PyThreadState_New(PyInterpreterState_Main());
  if (!context->thread_state) Py_FatalError("tonio: no memory for a thread's state");
  PyEval_RestoreThread(context->thread_state);
  if (scheduler::Scheduler::current()) watch_async_generators(*context->thread_state);
  std::atomic<std::uint32_t>& starting = Host::instance().starting_threads_;
  if (starting.fetch_sub(1) == 1) base::futex_wake(starting, 1);
}

void InterpreterHooks::detach(void*) {
  leave_if_forked();
  PyEval_SaveThread();
}

bool InterpreterHooks::flush(void* state) {
  const bool handed_over = static_cast<ThreadContext*>(state)->drops.flush();
  leave_if_forked();
  return handed_over;
}

void InterpreterHooks::attach(void* state) {
  PyEval_RestoreThread(static_cast<ThreadContext*>(state)->thread_state);
}

void InterpreterHooks::settle(void* state) {
  attach(state);
  static_cast<ThreadContext*>(state)->drops.drop_received();
  run_pending_work();
  detach(state);
}

bool InterpreterHooks::unsettled(void* state) {
  const auto* context = static_cast<ThreadContext*>(state);
  return context->drops.has_received() || has_pending_work(context->thread_state);
}

void InterpreterHooks::leave(void* state) {
  auto* context = static_cast<ThreadContext*>(state);
  context->results.drop();
  (void)context->drops.flush();
  Host::instance().end_ownership(*context);
  context->drops.drop_received();
  // Finalizers that this runs may still spawn.
  PyThreadState_Clear(context->thread_state);
  leave_if_forked();
  Host::instance().unregister_thread(*context);
  PyThreadState_DeleteCurrent();
  this_thread = nullptr;
  delete context;
}

void InterpreterHooks::discard(void* state) {
  Host::instance().starting_threads_.fetch_sub(1);
  delete static_cast<ThreadContext*>(state);
}

void InterpreterHooks::all_idle() { Host::instance().idle_target.wake(); }

}  // namespace tonio::python
