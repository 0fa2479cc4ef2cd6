#include "python/run.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "base/log.h"
#include "core/options.h"
#include "python/arguments.h"
#include "python/deadlock.h"
#include "python/end_of_tasks.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/host.h"
#include "python/join.h"
#include "python/run_interruption.h"
#include "python/run_signals.h"
#include "python/running_calls.h"
#include "python/spawn.h"
#include "python/thread_wait.h"

namespace tonio::python {
namespace {

std::atomic<bool> program_has_run{false};
std::atomic<bool> run_is_active{false};
std::atomic<bool> run_is_elsewhere{false};  // not on the main thread

// One run at a time.
class ActiveRun {
 public:
  ActiveRun() : mine_(!run_is_active.exchange(true)) {
    if (mine_) run_is_elsewhere.store(!on_main_thread());
  }
  ~ActiveRun() {
    if (!mine_) return;
    run_is_elsewhere.store(false);
    run_is_active.store(false);
  }
  explicit operator bool() const { return mine_; }

 private:
  const bool mine_;
};

// The number of workers and the blocking pool's bounds as this run wants them.
bool configure(const RunOptions& options) {
  Host& host = Host::instance();
  core::Runtime& runtime = host.runtime();
  host.contexts.store(host.options.context.value_or(options.context));
  if (options.blocking_threads != 0 || options.blocking_ttl >= 0) {
    core::Options now = runtime.options();
    if (options.blocking_threads != 0 && !host.options.blocking_threads) {
      now.blocking_threads = options.blocking_threads;
    }
    if (options.blocking_ttl >= 0 && !host.options.blocking_ttl) {
      now.blocking_ttl = to_milliseconds(options.blocking_ttl);
    }
    runtime.configure_blocking(now.blocking_threads, now.blocking_ttl);
  }
  const unsigned wanted =
      host.options.threads.value_or(options.threads ? options.threads : core::default_threads());
  // Tasks that an earlier run has left keep their workers.
  if (wanted == runtime.options().threads || host.live_tasks() > 0) return true;
  return host.restart_workers(wanted);
}

// While a run is under way.
class OutsideGroup {
 public:
  explicit OutsideGroup(TaskGroup group) { Host::instance().outside_group.store(group); }
  ~OutsideGroup() { Host::instance().outside_group.store(kNoGroup); }
  OutsideGroup(const OutsideGroup&) = delete;
  OutsideGroup& operator=(const OutsideGroup&) = delete;
};

// What a run raises whose time is over: it tells what the tasks are doing.
Ref limit_passed(const RunOptions& options) {
  Ref module = Ref::steal(PyImport_ImportModule("tonio._tasks"));
  Ref text = Ref::steal(
      module ? PyObject_CallMethod(module.get(), "limit_passed", "dI", options.limit, options.group)
             : nullptr);
  if (text) PyErr_SetObject(timeout_error, text.get());
  return Ref::steal(PyErr_GetRaisedException());
}

bool refuse_on_worker(const char* what) {
  // Forked from a worker, or while another thread ran: that is not what is wrong.
  if (Host& host = Host::instance(); host.forked()) return host.check_running();
  if (!scheduler::Scheduler::current()) return true;
  PyErr_Format(PyExc_RuntimeError,
               "%s can't be used inside a coroutine, whose worker it would block: await or yield "
               "the coroutine instead",
               what);
  return false;
}

bool refuse_signals_elsewhere(const RunOptions& options) {
  const bool asked = options.signals && PyTuple_GET_SIZE(options.signals) > 0;
  if (on_main_thread() || !(asked || Host::instance().options.signals)) return true;
  PyErr_SetString(PyExc_RuntimeError,
                  "signals reach receivers only when tonio.run() is called on the main thread: "
                  "call it there, or without signals (signals=[...], --signals, TONIO_SIGNALS)");
  return false;
}

// "2 tasks and 1 blocking call", without what there is none of.
std::string count_left(std::uint64_t tasks, std::uint64_t calls) {
  const auto counted = [](std::uint64_t count, const std::string& what) {
    return count == 0 ? "" : std::to_string(count) + " " + what + (count == 1 ? "" : "s");
  };
  return counted(tasks, "task") + (tasks > 0 && calls > 0 ? " and " : "") +
         counted(calls, "blocking call");
}

// What is left has had its time. The tasks can't be named while they may run; that is done when
// the program ends. Gives what the warning has raised: the program makes errors of warnings, or a
// signal's handler has interrupted it.
Ref give_up(EndOfTasks& end) {
  const std::size_t calls = abandoned_calls(end.group().value_or(kNoGroup));
  const std::string left = count_left(end.give_up(), calls);
  if (left.empty()) return Ref();  // just now
  base::log(base::LogLevel::kWarn, left + " would not end within the shutdown timeout");
  if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "%s would not stop within the shutdown timeout",
                       left.c_str()) != 0) {
    return Ref::steal(PyErr_GetRaisedException());
  }
  return Ref();
}

// Whether the exception, or one in a group, is more than an end that was asked for.
bool is_failure(PyObject* exception) {
  if (Ref inner = Ref::steal(PyObject_GetAttrString(exception, "exceptions"));
      inner && PyTuple_Check(inner.get()) &&
      PyErr_GivenExceptionMatches(exception, PyExc_BaseExceptionGroup)) {
    PyObject** first = &PyTuple_GET_ITEM(inner.get(), 0);
    return std::any_of(first, first + PyTuple_GET_SIZE(inner.get()), is_failure);
  }
  PyErr_Clear();
  return !asks_for_end(exception) && !PyErr_GivenExceptionMatches(exception, cancelled_error);
}

// Signals that came while nothing waited for them.
void hear_last_signals(SignalWatch& signals, Interruption& interruption) {
  while (signals.active() && !signals.handle()) (void)interruption.add_signal();
}

// What came between: its context is how the main coroutine ended, if that failed. Of a
// SystemExit nobody shows it, so it is reported. The last thing of a run: signals that come
// meanwhile interrupt it as well.
void raise_interruption(SignalWatch& signals, Interruption interruption, Join& join) {
  PyObject* raised = interruption.exception.get();
  if (join.done().is_set()) {
    const Ref outcome = Ref::steal(join.outcome());
    Ref failure = Ref::steal(outcome ? nullptr : PyErr_GetRaisedException());
    if (!failure || failure.get() == raised || !is_failure(failure.get())) {
      // Nothing but what was asked for.
    } else if (PyErr_GivenExceptionMatches(raised, PyExc_SystemExit)) {
      report_unawaited("main task", failure.get(), join.site());
      (void)set_context(raised, failure.get());
    } else {
      add_context(raised, std::move(failure));
    }
  }
  hear_last_signals(signals, interruption);
  PyErr_SetRaisedException(interruption.exception.release());
}

// What a thread that is no worker waits for, by an eventfd which is told of its end. Whatever comes
// in between, nothing writes to the eventfd later, which the wait closes.
class AwaitedJoin {
 public:
  // Takes the handle's share of `join`.
  AwaitedJoin(Join& join, const ThreadWait& wait) : join_(join) {
    join_.observe();
    join_.notify(wait.fd());
  }
  ~AwaitedJoin() {
    join_.notify(-1);
    join_.drop();
  }
  AwaitedJoin(const AwaitedJoin&) = delete;
  AwaitedJoin& operator=(const AwaitedJoin&) = delete;

  Join* operator->() const { return &join_; }
  Join& operator*() const { return join_; }

 private:
  Join& join_;
};

// In a child that the waiting thread has forked, in a signal's handler, say: what it waits for
// happens in the parent only. Otherwise nothing.
Ref lost_in_fork() {
  if (!Host::instance().forked()) return Ref();
  (void)Host::instance().check_running();
  return Ref::steal(PyErr_GetRaisedException());
}

}  // namespace

bool was_run() { return program_has_run.load(); }
bool runs_elsewhere() { return run_is_elsewhere.load(); }

PyObject* run_awaitable(PyObject* awaitable, const RunOptions& options, bool end_others) {
  if (!refuse_on_worker("tonio.run()")) return nullptr;
  const ActiveRun active;
  if (!active) {
    PyErr_SetString(already_initialized_error,
                    "tonio.run() runs already in another thread: use tonio.block_on() here");
    return nullptr;
  }
  // Also when it fails: what the program makes of that is its own affair.
  program_has_run.store(true);
  Host& host = Host::instance();
  if (!refuse_signals_elsewhere(options)) return nullptr;
  if (!host.ensure_started() || !configure(options)) return nullptr;
  host.begin_run();

  SignalWatch signals;
  ThreadWait wait;
  if (!wait.check()) return nullptr;
  RunSignals received(signals);
  if (!received.install(host.options.signals, options.signals)) return nullptr;
  const OutsideGroup group(options.group);
  const base::Instant limit =
      options.limit > 0 ? base::deadline_after(base::now(), options.limit) : base::kNever;
  Join* spawned = spawn_for_thread(awaitable, "tonio.run() takes");
  if (!spawned) return nullptr;
  const AwaitedJoin join(*spawned, wait);
  if (!host.will_run_spawned()) {
    join->cancel();
    return nullptr;
  }
  const WakeTargets::Listener aborts(host.aborts, wait.fd());

  Interruption interruption;
  host.hear_tasks(interruption);
  {
    DeadlockWatch deadlocks(on_main_thread() && !options.forever && !received.installed(),
                            wait.fd());
    const auto goes_on = [&] {
      return !interruption.exception && !join->done().is_set() && !host.forked();
    };
    while (goes_on()) {
      const auto woken = wait.wait(signals, std::min(deadlocks.next_look(), limit));
      if (woken == ThreadWait::Woken::kSignal) {
        deadlocks.signal_came();
        if (!signals.handle()) (void)interruption.add_signal();
      }
      host.hear_tasks(interruption);
      if (goes_on() && deadlocks.found()) {
        interruption.add(Ref::steal(PyErr_GetRaisedException()));
      }
      if (goes_on() && base::now() >= limit) interruption.add(limit_passed(options));
    }
  }
  Ref warned;
  if (!host.forked() && (interruption.exception || end_others)) {
    EndOfTasks end(options.group);
    const Waited waited = end_tasks(wait, signals, host.grace_deadline(), end, interruption);
    if (interruption.exception) end.keep();
    if (waited == Waited::kUntilDeadline) warned = give_up(end);
  }
  // A task may have asked to exit while it was cancelled.
  host.hear_tasks(interruption);
  interruption.add(std::move(warned));
  if (!received.remove()) interruption.add(Ref::steal(PyErr_GetRaisedException()));
  hear_last_signals(signals, interruption);
  if (!interruption.exception) interruption.add(lost_in_fork());
  if (!interruption.exception) return join->outcome();
  raise_interruption(signals, std::move(interruption), *join);
  return nullptr;
}

namespace {

PyObject* block_on(PyObject*, PyObject* awaitable) {
  if (!refuse_on_worker("tonio.block_on()")) return nullptr;
  // Without a run the main thread makes one.
  if (on_main_thread() && !run_is_active.load()) {
    return run_awaitable(awaitable, RunOptions(), false);
  }
  SignalWatch signals;
  ThreadWait wait;
  if (!wait.check()) return nullptr;
  Join* spawned = spawn_for_thread(awaitable, "tonio.block_on() takes");
  if (!spawned) return nullptr;
  const AwaitedJoin join(*spawned, wait);
  if (!Host::instance().will_run_spawned()) {
    join->cancel();
    return nullptr;
  }
  // Beside a run of another thread, a signal cancels this task only. The second is not
  // waited for.
  Interruption came;
  base::Instant deadline = base::kNever;
  while (!join->done().is_set() && !Host::instance().forked()) {
    const auto woken = wait.wait(signals, deadline);
    if (woken == ThreadWait::Woken::kDeadline) break;
    if (woken != ThreadWait::Woken::kSignal || signals.handle()) continue;
    if (!came.add_signal() || Host::instance().forked()) break;
    join->cancel();
    deadline = Host::instance().grace_deadline();
  }
  // With the last one others may have come, whose watch ends here.
  hear_last_signals(signals, came);
  if (!came.exception) came.add(lost_in_fork());
  PyObject* result = nullptr;
  if (came.exception) {
    raise_interruption(signals, std::move(came), *join);
  } else {
    result = join->outcome();
  }
  if (!result && !run_is_active.load()) {
    Ref raised = Ref::steal(PyErr_GetRaisedException());
    Host::instance().forget_abort(raised.get());
    PyErr_SetRaisedException(raised.release());
  }
  return result;
}

PyObject* run_function(PyObject*, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"coro",         "context",    "threads", "blocking_threads",
                                "blocking_ttl", "end_others", "signals", "forever",
                                "group",        "limit",      nullptr};
  PyObject* awaitable = nullptr;
  RunOptions options;
  int context = 0;
  int end_others = 1;
  int forever = 0;
  if (!PyArg_ParseTupleAndKeywords(
          args, keywords, "O|$pIIdpO!pId", const_cast<char**>(names), &awaitable, &context,
          &options.threads, &options.blocking_threads, &options.blocking_ttl, &end_others,
          &PyTuple_Type, &options.signals, &forever, &options.group, &options.limit)) {
    return nullptr;
  }
  if (options.threads > core::kMostThreads ||
      options.blocking_threads > core::kMostBlockingThreads) {
    PyErr_Format(
        PyExc_ValueError,
        "run(): threads must be at most %u, and blocking_threads at most %u, not %u and %u",
        core::kMostThreads, core::kMostBlockingThreads, options.threads, options.blocking_threads);
    return nullptr;
  }
  options.context = context != 0;
  options.forever = forever != 0;
  return run_awaitable(awaitable, options, end_others != 0);
}

PyObject* end_tasks_now(PyObject*, PyObject* args) {
  TaskGroup group = kNoGroup;
  if (!PyArg_ParseTuple(args, "|I", &group)) return nullptr;
  if (!refuse_on_worker("Runtime.stop()")) return nullptr;
  Interruption interruption;
  interruption.hears_tasks = false;  // the next run raises it
  EndOfTasks end(group);
  const Waited waited = end_tasks(end, Host::instance().grace_deadline(), interruption);
  if (waited == Waited::kUntilDeadline) interruption.add(give_up(end));
  if (!interruption.exception) interruption.add(lost_in_fork());
  if (interruption.exception) {
    PyErr_SetRaisedException(interruption.exception.release());
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* live_tasks(PyObject*, PyObject* args) {
  TaskGroup group = kNoGroup;
  if (!PyArg_ParseTuple(args, "I", &group)) return nullptr;
  return PyLong_FromUnsignedLongLong(Host::instance().live_tasks(group));
}

PyObject* refuse_on_worker_named(PyObject*, PyObject* caller) {
  const char* what = PyUnicode_AsUTF8(caller);
  if (!what || !refuse_on_worker(what)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* is_main_thread(PyObject*, PyObject*) { return PyBool_FromLong(on_main_thread()); }

PyObject* shutdown_timeout(PyObject*, PyObject*) {
  const std::chrono::duration<double> seconds = Host::instance().options.shutdown_timeout;
  return PyFloat_FromDouble(seconds.count());
}

PyObject* current_group(PyObject*, PyObject*) {
  return PyLong_FromUnsignedLong(Host::instance().current_group());
}

PyMethodDef functions[] = {
    {"run", as_cfunction<run_function>(), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("run($module, coro, /, *, context=False, threads=0, blocking_threads=0, "
               "blocking_ttl=-1.0, end_others=True, signals=(), forever=False, group=0, "
               "limit=0.0)\n--\n\n"
               "Runs coro and waits; 0 and -1 leave a setting as it is. Its tasks are of the "
               "group; those of others go on. With a limit in seconds it raises TimeoutError, "
               "which tells what the tasks of the group are doing, when the time is over.")},
    {"block_on", as_cfunction<block_on>(), METH_O,
     PyDoc_STR("block_on($module, coro, /)\n--\n\n"
               "Runs coro on the workers and blocks the calling thread, which must not be one of "
               "them, until it has ended; gives its result or raises its exception.")},
    {"refuse_on_worker", as_cfunction<refuse_on_worker_named>(), METH_O,
     PyDoc_STR("refuse_on_worker($module, caller, /)\n--\n\n"
               "RuntimeError that names the caller, when the calling thread is a worker.")},
    {"on_main_thread", as_cfunction<is_main_thread>(), METH_NOARGS,
     PyDoc_STR("on_main_thread($module, /)\n--\n\n"
               "Whether the calling thread is the one that began the interpreter.")},
    {"shutdown_timeout", as_cfunction<shutdown_timeout>(), METH_NOARGS,
     PyDoc_STR("shutdown_timeout($module, /)\n--\n\n"
               "How long the end of a run waits for tasks, in seconds.")},
    {"end_tasks", as_cfunction<end_tasks_now>(), METH_VARARGS,
     PyDoc_STR("end_tasks($module, group=0, /)\n--\n\n"
               "Cancels the tasks of the group and waits for them. Those of no test are of group "
               "0.")},
    {"live_tasks", as_cfunction<live_tasks>(), METH_VARARGS,
     PyDoc_STR("live_tasks($module, group, /)\n--\n\n"
               "How many tasks of the group have not ended; while others run it may be more.")},
    {"current_group", as_cfunction<current_group>(), METH_NOARGS,
     PyDoc_STR("current_group($module, /)\n--\n\n"
               "That of the task that runs here, else that of the run.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_run(PyObject* module) { return PyModule_AddFunctions(module, functions) == 0; }

}  // namespace tonio::python
