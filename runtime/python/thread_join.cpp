#include "python/thread_join.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "base/thread.h"
#include "python/end_of_tasks.h"
#include "python/host.h"
#include "python/run_interruption.h"
#include "python/thread_wait.h"

namespace tonio::python {
namespace {

// The callbacks that threading's shutdown begins with, one by one: after one that fails it calls no
// more, and an executor's, which tells its threads to end, may be among those; called once more by
// Py_FinalizeEx, it begins with the first again.
void call_callbacks(PyObject* threading) {
  // None is added from here on.
  if (PyObject_SetAttrString(threading, "_SHUTTING_DOWN", Py_True) != 0) PyErr_Clear();
  Ref callbacks = Ref::steal(PyObject_GetAttrString(threading, "_threading_atexits"));
  while (callbacks && PyList_Check(callbacks.get()) && PyList_GET_SIZE(callbacks.get()) > 0) {
    Ref callback = Ref::steal(PyObject_CallMethod(callbacks.get(), "pop", nullptr));
    Ref done = Ref::steal(callback ? PyObject_CallNoArgs(callback.get()) : nullptr);
    if (!done) PyErr_WriteUnraisable(threading);
  }
  PyErr_Clear();
}

// Attached.
void run_shutdown(PyObject* threading) {
  call_callbacks(threading);
  // Once: Py_FinalizeEx calls it again, to no effect.
  Ref done = Ref::steal(PyObject_CallMethod(threading, "_shutdown", nullptr));
  if (!done) PyErr_WriteUnraisable(threading);  // a Ctrl-C while it waited
}

Ref imported(const char* name) {
  Ref text = Ref::steal(PyUnicode_FromString(name));
  return Ref::steal(text ? PyImport_GetModule(text.get()) : nullptr);
}

Ref attribute_of(const char* module_name, const char* name) {
  Ref module = imported(module_name);
  Ref attribute = Ref::steal(module ? PyObject_GetAttrString(module.get(), name) : nullptr);
  if (!attribute && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
  return attribute;
}

// Which thread has which manager's processes, and which executor's threads there are: mappings with
// threads as their keys. Callbacks of threading's shutdown join these, also those that are daemons:
// a thread takes that over from the one that makes it, and tasks run on daemons.
Ref process_managers() { return attribute_of("concurrent.futures.process", "_threads_wakeups"); }
Ref pool_threads() { return attribute_of("concurrent.futures.thread", "_threads_queues"); }

// What a signal's handler raises in between stays set; what an object of the program itself raises
// is none of the end's business.
void clear_error() {
  if (PyErr_ExceptionMatches(PyExc_Exception)) PyErr_Clear();
}

std::string name_of(PyObject* thread) {
  Ref name = Ref::steal(PyObject_GetAttrString(thread, "name"));
  const char* text = name ? PyUnicode_AsUTF8(name.get()) : nullptr;
  if (!text && PyErr_Occurred()) clear_error();
  return std::string("thread ") + (text ? text : "without a name");
}

// The names of the threads that threading's shutdown waits for. May leave an exception set: it is
// Python code, in which a signal's handler may raise.
std::vector<std::string> name_threads(PyObject* threading) {
  std::vector<std::string> names;
  Ref main = Ref::steal(PyObject_CallMethod(threading, "main_thread", nullptr));
  Ref threads = Ref::steal(main ? PyObject_CallMethod(threading, "enumerate", nullptr) : nullptr);
  if (!threads || !PyList_Check(threads.get())) return names;
  const Ref executors[] = {pool_threads(), process_managers()};
  const auto is_of_executor = [&](PyObject* thread) {
    return std::any_of(std::begin(executors), std::end(executors), [&](const Ref& mapping) {
      return mapping && PySequence_Contains(mapping.get(), thread) == 1;
    });
  };
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(threads.get()); ++i) {
    PyObject* thread = PyList_GET_ITEM(threads.get(), i);
    if (thread == main.get()) continue;
    Ref daemon = Ref::steal(PyObject_GetAttrString(thread, "daemon"));
    if (daemon && (daemon.get() == Py_False || is_of_executor(thread))) {
      names.push_back(name_of(thread));
    }
    if (PyErr_Occurred()) clear_error();
    if (PyErr_Occurred()) break;
  }
  return names;
}

// The same; `raised` keeps the first such exception.
std::vector<std::string> running_threads(PyObject* threading, Ref& raised) {
  constexpr int kTries = 10;
  std::vector<std::string> names;
  for (int i = 0; i < kTries; ++i) {
    names = name_threads(threading);
    if (!PyErr_Occurred()) break;
    clear_error();
    Ref exception = Ref::steal(PyErr_GetRaisedException());
    if (!raised) raised = std::move(exception);
  }
  return names;
}

// Of executors whose managers are not waited for any more: they would wait for jobs for ever, and
// multiprocessing's atexit callback for them.
void terminate_processes() {
  Ref managers = process_managers();
  Ref threads = Ref::steal(managers ? PyMapping_Keys(managers.get()) : nullptr);
  for (Py_ssize_t i = 0; threads && i < PyList_GET_SIZE(threads.get()); ++i) {
    Ref processes =
        Ref::steal(PyObject_GetAttrString(PyList_GET_ITEM(threads.get(), i), "processes"));
    Ref all = Ref::steal(processes ? PyMapping_Values(processes.get()) : nullptr);
    for (Py_ssize_t j = 0; all && j < PyList_GET_SIZE(all.get()); ++j) {
      PyObject* process = PyList_GET_ITEM(all.get(), j);
      if (!Ref::steal(PyObject_CallMethod(process, "terminate", nullptr))) PyErr_Clear();
    }
    PyErr_Clear();
  }
  PyErr_Clear();
}

// threading's shutdown on a thread of its own, so that the main thread can be interrupted while
// it waits for it.
class Shutdown {
 public:
  explicit Shutdown(PyObject* threading) {
    if (!wait_->check()) {
      PyErr_Clear();
      run_shutdown(threading);
      return;
    }
    PyThreadState* state = PyThreadState_New(PyInterpreterState_Get());
    // These are shared: the thread may outlive this object, where it is not waited for.
    const auto main = [state, threading, wait = wait_, over = over_] {
      PyEval_RestoreThread(state);
      run_shutdown(threading);
      PyThreadState_Clear(state);
      PyThreadState_DeleteCurrent();
      over->store(true);
      (void)eventfd_write(wait->fd(), 1);
    };
    try {
      thread_ = base::start_thread("tonio-join", main);
    } catch (const std::system_error&) {
      PyThreadState_Clear(state);
      PyThreadState_Delete(state);
      run_shutdown(threading);
    }
  }
  ~Shutdown() {
    if (!thread_.joinable()) return;
    if (Host::instance().forked()) {
      new base::Thread(std::move(thread_));  // for ever: it is the parent's
    } else {
      thread_.detach();
    }
  }
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  // False where the deadline has passed, or others have written to the eventfd, or with the
  // exception set that a signal has raised.
  [[nodiscard]] bool wait(SignalWatch& signals, base::Instant deadline) {
    // A child that a signal's handler has forked has no thread to wait for.
    while (thread_.joinable() && !Host::instance().forked()) {
      switch (wait_->wait(signals, deadline)) {
        case ThreadWait::Woken::kEvent: {
          if (!over_->load()) return false;
          const Detached detached;
          thread_.join();
          break;
        }
        case ThreadWait::Woken::kSignal:
          if (!signals.handle()) return false;
          break;
        case ThreadWait::Woken::kDeadline:
          return false;
      }
    }
    return true;
  }

  int fd() const { return wait_->fd(); }

 private:
  std::shared_ptr<ThreadWait> wait_ = std::make_shared<ThreadWait>();
  std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
  base::Thread thread_;
};

}  // namespace

std::vector<std::string> join_threads(bool was_interrupted, const std::function<void()>& report) {
  Host& host = Host::instance();
  Interruption& interruption = host.end_interruption;
  interruption.asked = was_interrupted;
  host.begin_end();
  Ref threading = imported("threading");
  if (!threading) {
    PyErr_Clear();
    return {};
  }
  if (host.forked()) {
    run_shutdown(threading.get());
    return {};
  }
  std::optional<SignalWatch> signals(std::in_place);
  // Whether threads have the grace time only.
  bool limited = was_interrupted;
  const auto tell = [&] {
    if (!interruption.exception) return;
    limited = true;
    PyErr_SetRaisedException(interruption.exception.release());
    report();
  };
  // With an exception set that a signal's handler has raised. False for a second one.
  const auto interrupt = [&] {
    const bool first = interruption.add_signal();
    if (!first) host.stop_at_once = true;
    tell();
    return first;
  };
  Ref raised;
  const bool waits = !running_threads(threading.get(), raised).empty();
  bool at_once = false;
  if (raised) {
    PyErr_SetRaisedException(raised.release());
    at_once = !interrupt();
  }
  // With the last one others may have come, whose watch ends here.
  const auto hear_the_rest = [&] {
    while (signals->due() && !signals->handle()) (void)interrupt();
  };
  if (!waits) {
    hear_the_rest();
    signals.reset();
    run_shutdown(threading.get());
    return {};
  }
  base::Instant deadline = base::kNever;
  // Threads may wait for tasks. What a thread begins from here on is left to it.
  const auto limit = [&] {
    if (deadline != base::kNever) return host.ask_rest_to_end();
    host.ask_all_to_end();
    deadline = host.grace_deadline();
  };
  // First: a thread that waits for the main thread's end goes on when the shutdown begins.
  if (limited) limit();
  Shutdown shutdown(threading.get());
  const WakeTargets::Listener aborts(host.aborts, shutdown.fd());
  // A task has asked for the end, which no signal has.
  const auto hear_task = [&] {
    host.hear_tasks(interruption);
    const bool heard = static_cast<bool>(interruption.exception);
    tell();
    return heard;
  };
  if (hear_task()) limit();
  const auto next_look = [&] {
    return limited ? std::min(deadline, base::now() + EndOfTasks::kLookAgain) : deadline;
  };
  while (!at_once && !shutdown.wait(*signals, next_look())) {
    Ref of_signal = Ref::steal(PyErr_GetRaisedException());
    const bool signalled = static_cast<bool>(of_signal);
    const bool by_task = hear_task();  // before what came later
    if (signalled) {
      PyErr_SetRaisedException(of_signal.release());
      at_once = !interrupt();
    }
    if (at_once) break;
    if (signalled || by_task) {
      limit();
    } else if (base::now() < deadline) {
      host.ask_rest_to_end();
    } else {
      at_once = true;
    }
  }
  if (!at_once) {
    hear_the_rest();
    return {};
  }
  if (host.forked()) return {};  // by a handler just now: all that is the parent's
  std::vector<std::string> left = running_threads(threading.get(), raised);
  if (left.empty()) left.emplace_back("a thread");  // which ends just now
  if (raised) {
    PyErr_SetRaisedException(raised.release());
    (void)interrupt();
  }
  terminate_processes();
  return left;
}

}  // namespace tonio::python
