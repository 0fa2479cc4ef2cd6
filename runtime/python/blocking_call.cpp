// A blocking call is an operation and a job of the pool in one object. The job begins
// when spawn_blocking() is called; the operation waits for its end.
//
// Cancelling the waiter takes a job that is still queued out of the pool; one that a
// thread has taken and not begun ends there without a call. In one that runs,
// CancelledError is raised at the thread's next Python instruction, and the waiter waits
// until the call has ended: nothing of it runs on behind its back. What is raised this way
// can't reach the thread's next job. Both sides go through `phase`.
// Calls whose effect must not be left half done, or be lost, ask for less (OnCancel).
// That is so until a run or the program ends (abandon_late_calls): whether a call's outcome is its
// own or that of its being abandoned, goes through `settled`.
#include "python/blocking_call.h"

#include <atomic>
#include <memory>
#include <new>

#include "base/clock.h"
#include "base/futex.h"
#include "python/coro_task.h"
#include "python/errors.h"
#include "python/exception_copy.h"
#include "python/forked_child.h"
#include "python/host.h"
#include "python/interruption.h"
#include "python/join.h"
#include "python/names.h"
#include "python/operation.h"
#include "python/pending_work.h"
#include "python/run_interruption.h"
#include "python/spawn_site.h"
#include "scheduler/blocking_pool.h"
#include "sync/event.h"

namespace tonio::python {
namespace {

struct BlockingCall;

class Job final : public scheduler::BlockingJob {
 public:
  explicit Job(BlockingCall& call) : call_(call) {}
  void run() override;
  void tell() override;
  void drop() override;

 private:
  BlockingCall& call_;
};

// A call's place in the list of those that run.
struct RunningCall final : base::ListHook, Interruptible {
  explicit RunningCall(BlockingCall& running) : call(running) {}
  void interruption_raised() override;
  void interruption_lost() override;
  BlockingCall& call;
  PyThreadState* const thread = PyThreadState_Get();
};

enum Phase : std::uint32_t {
  kNotBegun,
  kRefused,  // cancelled before it began
  kRunning,
  kInterrupting,  // a waiter is about to raise CancelledError in the thread
  kInterrupted,   // it has; the call may or may not have noticed yet
  kEnded,
};

struct BlockingCall {
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
  Job job;
  sync::Event done;
  SpawnSite site;
  bool settled_by_job;  // the job's thread only
  // The object, and its job until it has told its end, for which the memory outlives the object.
  std::atomic<unsigned> users;
};

PyTypeObject blocking_call_type = empty_type();

// The calls that run, for who names them when they would not end.
base::Guarded<base::IntrusiveList<RunningCall>>& running_calls() {
  static auto* calls = new base::Guarded<base::IntrusiveList<RunningCall>>();
  return *calls;
}

BlockingCall* as_call(PyObject* self) { return reinterpret_cast<BlockingCall*>(self); }
PyObject* as_object(BlockingCall& call) { return reinterpret_cast<PyObject*>(&call); }

void drop_arguments(BlockingCall& call) {
  Py_CLEAR(call.function);
  Py_CLEAR(call.args);
  Py_CLEAR(call.keywords);
  Py_CLEAR(call.context);
}

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

// By each of its two users once; the last one frees the memory.
struct FreeCall {
  void operator()(BlockingCall* call) const {
    if (call->users.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    call->done.~Event();
    call->job.~Job();
    PyObject_GC_Del(call);
  }
};

// One of both, result or error, is what waiting for the call gives, once `done` is set. False, and
// neither has been taken, when it is settled already.
bool settle(BlockingCall& call, Ref& result, Ref& error) {
  if (call.settled.exchange(true)) return false;
  if (error) call.error_for_others = share(copy_exception(error.get()));
  call.error = share(std::move(error));
  call.result = share(std::move(result));
  return true;
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

// Runs no code of the program.
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

void Job::run() {
  BlockingCall& call = call_;
  run_pending_work();  // before an interrupt can come
  leave_if_forked();
  call.thread = PyThread_get_thread_ident();
  std::uint32_t phase = kNotBegun;
  if (!call.phase.compare_exchange_strong(phase, kRunning)) return finish_without_call(call);
  RunningCall running(call);
  running_calls().lock()->push_back(running);
  Ref result = Ref::steal(call_function(call));
  leave_if_forked();
  Ref error = Ref::steal(result ? nullptr : PyErr_GetRaisedException());
  running_calls().lock()->remove(running);
  end_running(call);
  if (error) end_interruption(error.get());
  finish(call, std::move(result), std::move(error));
}

void Job::tell() { tell_end(call_); }

void Job::drop() {
  PyErr_SetString(cancelled_error, "the runtime stops");
  finish(call_, Ref(), Ref::steal(PyErr_GetRaisedException()));
  tell_end(call_);
}

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

// Whether half of the call's time is over, and it has not heard of its end.
bool is_late(const BlockingCall& call, base::Instant now) {
  const base::Instant asked = call.asked_at.load();
  return call.on_cancel == OnCancel::kInterrupt && asked != base::kNever && !call.heard.load() &&
         now - asked >= Host::instance().grace() / 2;
}

// One that runs, or nothing. `attached`: its thread is, so that nobody can stop the world.
Ref find_late_call(bool& attached) {
  Ref late;
  const base::Instant now = base::now();
  running_calls().lock()->for_each([&](RunningCall& running) {
    if (late || running.call.settled.load() || !is_late(running.call, now)) return;
    late = Ref::borrow(as_object(running.call));
    constexpr int kAttached = 1;  // _Py_THREAD_ATTACHED
    attached = _Py_atomic_load_int_relaxed(&running.thread->state) == kAttached;
  });
  return late;
}

template <typename Predicate>
std::size_t count_running(Predicate&& is_wanted) {
  std::size_t count = 0;
  running_calls().lock()->for_each(
      [&](const RunningCall& running) { count += is_wanted(running.call) ? 1 : 0; });
  return count;
}

bool is_in_time(const BlockingCall& call, base::Instant now) {
  const base::Instant asked = call.asked_at.load();
  return asked == base::kNever || now - asked < Host::instance().grace();
}

// What settles one that runs.
bool is_abandoned(const BlockingCall& call) { return call.settled.load(); }

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
  new (&call->job) Job(*call);
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

void abandon_late_calls() {
  bool attached = false;
  while (Ref late = find_late_call(attached)) {
    if (attached) PyGC_Disable();
    PyErr_SetNone(cancelled_error);
    Ref error = Ref::steal(PyErr_GetRaisedException());
    Ref nothing;
    BlockingCall& call = *as_call(late.get());
    if (settle(call, nothing, error)) call.done.set();
  }
}

std::size_t abandoned_calls(TaskGroup group) {
  return count_running(
      [&](const BlockingCall& call) { return is_abandoned(call) && call.group.load() == group; });
}

std::size_t calls_in_time(std::optional<TaskGroup> group) {
  const base::Instant now = base::now();
  return count_running([&](const BlockingCall& call) {
    // At the end of all tasks, only one that is overdue waits for a call.
    const bool wanted =
        group ? is_abandoned(call) && call.group.load() == *group : call.waiters.load() == 0;
    return wanted && is_in_time(call, now);
  });
}

bool calls_run() { return !running_calls().lock()->empty(); }

void describe_blocking_calls(std::vector<std::string>& lines) {
  struct Running {
    Ref call, function;
  };
  std::vector<Running> calls;
  // The function as well: a call that ends drops it once it has left the list.
  running_calls().lock()->for_each([&](RunningCall& running) {
    calls.push_back({Ref::borrow(as_object(running.call)), Ref::borrow(running.call.function)});
  });
  for (const auto& [object, function] : calls) {
    const BlockingCall& call = *as_call(object.get());
    std::string line = "blocking call";
    Ref name = Ref::steal(function ? PyObject_GetAttr(function.get(), names::qualname) : nullptr);
    const char* text = name && PyUnicode_Check(name.get()) ? PyUnicode_AsUTF8(name.get()) : nullptr;
    PyErr_Clear();
    if (text) line += std::string(" of ") + text;
    const std::string place = call.site.describe();
    if (!place.empty()) line += ", spawned at " + place;
    lines.push_back(std::move(line));
  }
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
