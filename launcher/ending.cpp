#include "ending.h"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "owned.h"
#include "python/embed.h"
#include "python/exit_code.h"
#include "python/thread_join.h"

namespace tonio::launcher {

namespace {

// The process that the runtime belongs to. A forked child has no runtime
// threads, so there is nothing to stop. Written and read on the main thread.
pid_t runtime_process = 0;
// From end_program() on.
std::optional<int> program_exit_code;

void run_atexit_callbacks() {
  Owned atexit(PyImport_ImportModule("atexit"));
  Owned done(atexit ? PyObject_CallMethod(atexit.get(), "_run_exitfuncs", nullptr) : nullptr);
  if (!done) {
    PyErr_WriteUnraisable(atexit.get());
  }
}

// Step 3, and once more after the atexit callbacks, which may have started it again. What is
// `left`, here or before, can't be waited for, nor finalised under it.
void stop_runtime(int exit_code, std::vector<std::string> left) {
  if (getpid() != runtime_process) {
    return;
  }
  const bool threads_ended = left.empty();
  if (python::shutdown(left) && threads_ended) {
    return;
  }
  // A signal's handler has forked meanwhile.
  if (getpid() != runtime_process) {
    return;
  }
  std::string lines = "tonio: leaving without what didn't stop in time (--shutdown-timeout):\n";
  for (const std::string& thing : left) {
    lines += "  " + thing + "\n";
  }
  python::flush_standard_streams();  // what the program has printed comes before
  std::fputs(lines.c_str(), stderr);
  run_atexit_callbacks();
  _exit(python::flush_standard_streams() ? exit_code : python::kFlushFailed);
}

// The last atexit callback, being the first that was registered. The exit code that a plain
// Python is about to give is not known here. After an exception that was shown it is 1.
PyObject* stop_at_exit(PyObject*, PyObject*) {
  stop_runtime(program_exit_code.value_or(PySys_GetObject("last_exc") != nullptr ? 1 : 0), {});
  Py_RETURN_NONE;
}

PyMethodDef stop_definition = {"stop_runtime", stop_at_exit, METH_NOARGS, "Stops tonio's runtime."};

}  // namespace

int end_program(int exit_code) {
  const bool interrupted = exit_code == python::kInterrupted || exit_code == python::kTerminated;
  std::vector<std::string> left =
      python::join_threads(interrupted, [&] { exit_code = python::report_exception(); });
  program_exit_code = exit_code;
  stop_runtime(exit_code, std::move(left));
  return Py_FinalizeEx() < 0 ? python::kFlushFailed : exit_code;
}

bool register_runtime_stop() {
  runtime_process = getpid();
  Owned atexit(PyImport_ImportModule("atexit"));
  Owned stop(PyCFunction_New(&stop_definition, nullptr));
  Owned done(atexit && stop ? PyObject_CallMethod(atexit.get(), "register", "O", stop.get())
                            : nullptr);
  return done != nullptr;
}

}  // namespace tonio::launcher
