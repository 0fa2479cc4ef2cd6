#include "python/thread_join.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "base/thread.h"
#include "python/end_of_tasks.h"
#include "python/host.h"
#include "python/thread_wait.h"

namespace tonio::python {
namespace {

// Attached.
void run_shutdown(PyObject* threading) {
  // Once: Py_FinalizeEx calls it again, to no effect.
  Ref done = Ref::steal(PyObject_CallMethod(threading, "_shutdown", nullptr));
  if (!done) PyErr_WriteUnraisable(threading);  // a Ctrl-C while it waited
}

Ref imported(const char* name) {
  Ref text = Ref::steal(PyUnicode_FromString(name));
  return Ref::steal(text ? PyImport_GetModule(text.get()) : nullptr);
}

// Whether an executor has made it. Callbacks of threading's shutdown join these, also those that
// are daemons: a thread takes that over from the one that makes it, and tasks run on daemons.
bool is_of_executor(PyObject* thread) {
  constexpr std::pair<const char*, const char*> kMappings[] = {
      {"concurrent.futures.thread", "_threads_queues"},
      {"concurrent.futures.process", "_threads_wakeups"}};
  for (const auto& [module_name, name] : kMappings) {
    Ref module = imported(module_name);
    Ref threads = Ref::steal(module ? PyObject_GetAttrString(module.get(), name) : nullptr);
    if (threads && PySequence_Contains(threads.get(), thread) == 1) return true;
    PyErr_Clear();
  }
  return false;
}

// Whether threading's shutdown calls something that may wait.
bool has_callbacks(PyObject* threading) {
  Ref callbacks = Ref::steal(PyObject_GetAttrString(threading, "_threading_atexits"));
  const bool some = callbacks && PyObject_IsTrue(callbacks.get()) == 1;
  PyErr_Clear();
  return some;
}

// The names of the threads that threading's shutdown waits for.
std::vector<std::string> running_threads(PyObject* threading) {
  std::vector<std::string> names;
  Ref main = Ref::steal(PyObject_CallMethod(threading, "main_thread", nullptr));
  Ref threads = Ref::steal(PyObject_CallMethod(threading, "enumerate", nullptr));
  if (!main || !threads || !PyList_Check(threads.get())) {
    PyErr_Clear();
    return names;
  }
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(threads.get()); ++i) {
    PyObject* thread = PyList_GET_ITEM(threads.get(), i);
    Ref daemon = Ref::steal(PyObject_GetAttrString(thread, "daemon"));
    const bool joined = (daemon && daemon.get() == Py_False) || is_of_executor(thread);
    Ref name = Ref::steal(PyObject_GetAttrString(thread, "name"));
    const char* text = name ? PyUnicode_AsUTF8(name.get()) : nullptr;
    if (thread != main.get() && joined) {
      names.push_back(std::string("thread ") + (text ? text : "without a name"));
    }
    PyErr_Clear();
  }
  return names;
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
    // The wait is shared: the thread may outlive this object, where it is not waited for.
    const auto main = [state, threading, wait = wait_] {
      PyEval_RestoreThread(state);
      run_shutdown(threading);
      PyThreadState_Clear(state);
      PyThreadState_DeleteCurrent();
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

  // False where the deadline has passed, or with the exception set that a signal has raised.
  [[nodiscard]] bool wait(SignalWatch& signals, base::Instant deadline) {
    // A child that a signal's handler has forked has no thread to wait for.
    while (thread_.joinable() && !Host::instance().forked()) {
      switch (wait_->wait(signals, deadline)) {
        case ThreadWait::Woken::kEvent: {
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

 private:
  std::shared_ptr<ThreadWait> wait_ = std::make_shared<ThreadWait>();
  base::Thread thread_;
};

}  // namespace

std::vector<std::string> join_threads(bool interrupted, const std::function<void()>& report) {
  Ref threading = imported("threading");
  if (!threading) {
    PyErr_Clear();
    return {};
  }
  Host& host = Host::instance();
  const bool waits = has_callbacks(threading.get()) || !running_threads(threading.get()).empty();
  if (host.forked() || !waits) {
    run_shutdown(threading.get());
    return {};
  }
  SignalWatch signals;
  base::Instant deadline = interrupted ? host.grace_deadline() : base::kNever;
  // Threads may wait for tasks. What a thread begins from here on is left to it. First: a thread
  // that waits for the main thread's end goes on when the shutdown begins.
  if (interrupted) host.ask_all_to_end();
  Shutdown shutdown(threading.get());
  const auto next_look = [&] {
    return interrupted ? std::min(deadline, base::now() + EndOfTasks::kLookAgain) : deadline;
  };
  while (!shutdown.wait(signals, next_look())) {
    if (interrupted && !PyErr_Occurred() && base::now() < deadline) {
      host.ask_rest_to_end();
      continue;
    }
    const bool again = std::exchange(interrupted, true);
    if (!again) {
      report();
      host.ask_all_to_end();
      deadline = host.grace_deadline();
      continue;
    }
    // The time is over, or somebody has asked twice.
    if (PyErr_Occurred()) host.stop_at_once = true;
    PyErr_Clear();
    std::vector<std::string> left = running_threads(threading.get());
    if (left.empty()) left.emplace_back("a thread");  // which ends just now
    return left;
  }
  // With the last one others may have come, whose watch ends here.
  while (signals.due() && !signals.handle()) {
    if (!std::exchange(interrupted, true)) report();
    PyErr_Clear();
  }
  return {};
}

}  // namespace tonio::python
