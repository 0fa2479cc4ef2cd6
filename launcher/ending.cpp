#include "ending.h"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "last_deadline.h"
#include "owned.h"
#include "python/embed.h"
#include "python/exit_code.h"
#include "python/run_interruption.h"
#include "python/thread_join.h"
#include "python/thread_wait.h"
#include "python_exit.h"

namespace tonio::launcher {

namespace {

// The process that the runtime belongs to. A forked child has no runtime
// threads, so there is nothing to stop. Written and read on the main thread.
pid_t runtime_process = 0;
// Once end_program() has done step 3.
std::optional<int> program_exit_code;
// Something would not stop: atexit callbacks are called, and nothing is stopped after them.
bool leaving = false;

void run_atexit_callbacks() {
  Owned atexit(PyImport_ImportModule("atexit"));
  Owned done(atexit ? PyObject_CallMethod(atexit.get(), "_run_exitfuncs", nullptr) : nullptr);
  if (!done) {
    PyErr_WriteUnraisable(atexit.get());
  }
}

// What a signal has raised while the end waits is set. Gives what becomes of the exit code.
int after_interruption(int exit_code) {
  if (python::end_was_asked_for) {
    python::Ref raised = python::Ref::steal(PyErr_GetRaisedException());
    if (!python::asks_for_end(raised.get())) {
      python::report_lost(std::move(raised));
    }
    return exit_code;
  }
  return python::report_exception();
}

// Those that came while nothing waited: they shorten nothing.
void hear_late_signals(int& exit_code) {
  if (getpid() != runtime_process) {
    return;  // their receivers are the parent's
  }
  python::SignalWatch signals;
  while (signals.active() && !signals.handle()) {
    exit_code = after_interruption(exit_code);
  }
}

// Step 3, and once more after the atexit callbacks, which may have started it again. False when
// something is `left`, here or before, that can't be waited for, nor finalised under it; then
// standard error names it.
bool stop_runtime(int& exit_code, std::vector<std::string> left) {
  if (getpid() != runtime_process) {
    return true;
  }
  python::shutdown(left, [&] { exit_code = after_interruption(exit_code); });
  if (left.empty()) {
    return true;
  }
  // A signal's handler has forked meanwhile.
  if (getpid() != runtime_process) {
    return true;
  }
  std::string lines = "tonio: leaving without what didn't stop in time (--shutdown-timeout):\n";
  for (const std::string& thing : left) {
    lines += "  " + thing + "\n";
  }
  python::flush_standard_streams();  // what the program has printed comes before
  std::fputs(lines.c_str(), stderr);
  return false;
}

[[noreturn]] void leave(int exit_code) {
  _exit(python::flush_standard_streams() ? exit_code : python::kFlushFailed);
}

// In a plain Python. What has interrupted the stop ends the process as well: CPython would leave
// with the code that it had before.
void stop_plain_python() {
  PythonExit exit = python_exit();
  python::end_was_asked_for = exit.by_system_exit || exit.code == python::kInterrupted;
  const int before = exit.code;
  if (stop_runtime(exit.code, {}) && exit.code == before) {
    return;
  }
  if (exit.code == python::kInterrupted && !exit.by_system_exit) {
    python::flush_standard_streams();
    end_by_interrupt();
  }
  leave(exit.code);
}

// The last atexit callback, being the first that was registered: all others have been called.
PyObject* stop_at_exit(PyObject*, PyObject*) {
  if (leaving) {
    Py_RETURN_NONE;
  }
  if (!program_exit_code) {
    stop_plain_python();
  } else if (!stop_runtime(*program_exit_code, {})) {
    leave(*program_exit_code);
  }
  Py_RETURN_NONE;
}

PyMethodDef stop_definition = {"stop_runtime", stop_at_exit, METH_NOARGS, "Stops tonio's runtime."};

}  // namespace

int end_program(std::optional<int> program_code) {
  std::optional<python::TermKeeper> keeper(std::in_place);
  int exit_code = program_code ? *program_code : python::report_exception();
  hear_late_signals(exit_code);
  const bool interrupted = exit_code == python::kInterrupted || exit_code == python::kTerminated;
  std::vector<std::string> left =
      python::join_threads(interrupted, [&] { exit_code = after_interruption(exit_code); });
  const bool stopped = stop_runtime(exit_code, std::move(left));
  if (!stopped) {
    leaving = true;
    const auto code = [exit_code, asked = python::end_was_asked_for] {
      return !asked && python::term_is_due() ? python::kTerminated : exit_code;
    };
    const LastDeadline deadline(python::leaving_timeout(), code, "atexit callbacks");
    run_atexit_callbacks();
  }
  hear_late_signals(exit_code);
  if (!stopped) {
    leave(exit_code);
  }
  keeper.reset();
  program_exit_code = exit_code;
  return Py_FinalizeEx() < 0 ? python::kFlushFailed : *program_exit_code;
}

bool register_runtime_stop() {
  runtime_process = getpid();
  if (!watch_python_exit()) {
    return false;
  }
  Owned atexit(PyImport_ImportModule("atexit"));
  Owned stop(PyCFunction_New(&stop_definition, nullptr));
  Owned done(atexit && stop ? PyObject_CallMethod(atexit.get(), "register", "O", stop.get())
                            : nullptr);
  return done != nullptr;
}

}  // namespace tonio::launcher
