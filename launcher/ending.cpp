#include "ending.h"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "owned.h"
#include "python/embed.h"
#include "python/thread_join.h"
#include "python_exit.h"
#include "traceback.h"

namespace tonio::launcher {

namespace {

constexpr int kFlushFailed = 120;  // as python has it

// The process that the runtime belongs to. A forked child has no runtime
// threads, so there is nothing to stop. Written and read on the main thread.
pid_t runtime_process = 0;
// Once end_program() has done step 3.
std::optional<int> program_exit_code;
// By sys.exit, Ctrl-C or SIGTERM. The first who asks decides the exit code.
bool end_was_asked_for = false;
// Something would not stop: atexit callbacks are called, and nothing is stopped after them.
bool leaving = false;

// As python prints the argument of a SystemExit that is no number.
void print_exit_message(PyObject* message) {
  PyObject* sys_stderr = PySys_GetObject("stderr");  // borrowed
  if (sys_stderr != nullptr && sys_stderr != Py_None) {
    if (PyFile_WriteObject(message, sys_stderr, Py_PRINT_RAW) < 0) {
      PyErr_Clear();
    }
  } else {
    if (PyObject_Print(message, stderr, Py_PRINT_RAW) < 0) {
      PyErr_Clear();
    }
    std::fflush(stderr);
  }
  PySys_WriteStderr("\n");
}

int exit_code_of(PyObject* system_exit) {
  end_was_asked_for = true;
  std::fflush(stdout);
  Owned code(PyObject_GetAttrString(system_exit, "code"));
  if (!code) {
    PyErr_Clear();
    code.reset(Py_NewRef(system_exit));
  }
  if (code.get() == Py_None) {
    return 0;
  }
  if (PyLong_Check(code.get())) {
    int value = static_cast<int>(PyLong_AsLong(code.get()));
    PyErr_Clear();  // too large for a long: -1, as python has it
    return value;
  }
  print_exit_message(code.get());
  return 1;
}

void set_last_exception(PyObject* exception, PyObject* traceback) {
  // Objects without which the display still works: their failure is no second
  // error.
  if (PySys_SetObject("last_exc", exception) < 0 || PySys_SetObject("last_value", exception) < 0 ||
      PySys_SetObject("last_type", reinterpret_cast<PyObject*>(Py_TYPE(exception))) < 0 ||
      PySys_SetObject("last_traceback", traceback) < 0) {
    PyErr_Clear();
  }
}

// What PyErr_Print does, except that a SystemExit out of sys.excepthook gives
// the exit code instead of ending the process past end_program.
int display(PyObject* exception, int exit_code) {
  hide_package_frames(exception);
  Owned traceback(PyException_GetTraceback(exception));
  if (!traceback) {
    traceback.reset(Py_NewRef(Py_None));
  }
  set_last_exception(exception, traceback.get());
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(exception));
  Owned hook(Py_XNewRef(PySys_GetObject("excepthook")));
  if (PySys_Audit("sys.excepthook", "OOOO", hook ? hook.get() : Py_None, type, exception,
                  traceback.get()) < 0) {
    const bool silenced = PyErr_ExceptionMatches(PyExc_RuntimeError);
    PyErr_WriteUnraisable(nullptr);
    if (silenced) {
      return exit_code;
    }
  }
  if (!hook) {
    PySys_WriteStderr("sys.excepthook is missing\n");
    PyErr_DisplayException(exception);
    return exit_code;
  }
  Owned result(PyObject_CallFunctionObjArgs(hook.get(), type, exception, traceback.get(), nullptr));
  if (result) {
    return exit_code;
  }
  Owned second(PyErr_GetRaisedException());
  if (PyErr_GivenExceptionMatches(second.get(), PyExc_SystemExit)) {
    return exit_code_of(second.get());
  }
  std::fflush(stdout);
  PySys_WriteStderr("Error in sys.excepthook:\n");
  PyErr_DisplayException(second.get());
  PySys_WriteStderr("\nOriginal exception was:\n");
  PyErr_DisplayException(exception);
  return exit_code;
}

// False if standard output or standard error could not be written.
bool flush_standard_streams() {
  bool flushed = true;
  for (const char* name : {"stdout", "stderr"}) {
    PyObject* stream = PySys_GetObject(name);  // borrowed
    if (stream == nullptr || stream == Py_None) {
      continue;
    }
    Owned done(PyObject_CallMethod(stream, "flush", nullptr));
    if (!done) {
      flushed = false;
      PyErr_Clear();
    }
  }
  return std::fflush(nullptr) == 0 && flushed;
}

void run_atexit_callbacks() {
  Owned atexit(PyImport_ImportModule("atexit"));
  Owned done(atexit ? PyObject_CallMethod(atexit.get(), "_run_exitfuncs", nullptr) : nullptr);
  if (!done) {
    PyErr_WriteUnraisable(atexit.get());
  }
}

// What a signal has raised while the end waits is set. Gives what becomes of the exit code.
int after_interruption(int exit_code) {
  if (end_was_asked_for) {
    PyErr_Clear();
    return exit_code;
  }
  return report_exception();
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
  std::string lines = "tonio: leaving without what didn't stop in time (--shutdown-timeout):\n";
  for (const std::string& thing : left) {
    lines += "  " + thing + "\n";
  }
  flush_standard_streams();  // what the program has printed comes before
  std::fputs(lines.c_str(), stderr);
  return false;
}

[[noreturn]] void leave(int exit_code) {
  _exit(flush_standard_streams() ? exit_code : kFlushFailed);
}

// In a plain Python. What has interrupted the stop ends the process as well: CPython would leave
// with the code that it had before.
void stop_plain_python() {
  PythonExit exit = python_exit();
  end_was_asked_for = exit.by_system_exit || exit.code == kInterrupted;
  const int before = exit.code;
  if (stop_runtime(exit.code, {}) && exit.code == before) {
    return;
  }
  if (exit.code == kInterrupted && !exit.by_system_exit) {
    flush_standard_streams();
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

int report_exception() {
  Owned exception(PyErr_GetRaisedException());
  if (PyErr_GivenExceptionMatches(exception.get(), PyExc_SystemExit)) {
    return exit_code_of(exception.get());
  }
  const bool by_interrupt =
      PyErr_GivenExceptionMatches(exception.get(), PyExc_KeyboardInterrupt) != 0;
  end_was_asked_for |= by_interrupt;
  return display(exception.get(), by_interrupt ? kInterrupted : 1);
}

int end_program(int exit_code) {
  const bool interrupted = exit_code == kInterrupted || exit_code == kTerminated;
  std::vector<std::string> left =
      python::join_threads(interrupted, [&] { exit_code = after_interruption(exit_code); });
  if (!stop_runtime(exit_code, std::move(left))) {
    leaving = true;
    run_atexit_callbacks();
    leave(exit_code);
  }
  program_exit_code = exit_code;
  return Py_FinalizeEx() < 0 ? kFlushFailed : *program_exit_code;
}

bool register_runtime_stop() {
  runtime_process = getpid();
  watch_python_exit();
  Owned atexit(PyImport_ImportModule("atexit"));
  Owned stop(PyCFunction_New(&stop_definition, nullptr));
  Owned done(atexit && stop ? PyObject_CallMethod(atexit.get(), "register", "O", stop.get())
                            : nullptr);
  return done != nullptr;
}

}  // namespace tonio::launcher
