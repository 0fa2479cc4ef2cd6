// How the launcher puts the runtime into an embedded interpreter. Every
// function here is called on the main thread.
#pragma once

#include <Python.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tonio::python {

// What the command line or a TONIO_* variable said. What is set here wins over
// the arguments that a script gives to tonio.run(), tonio.main or tonio.runtime.
struct HostOptions {
  std::optional<unsigned> threads;           // >= 1
  std::optional<unsigned> blocking_threads;  // >= 1
  std::optional<double> blocking_ttl;        // seconds, >= 0
  std::optional<bool> context;
  std::optional<std::vector<int>> signals;  // signal numbers
  int dump_signal = SIGQUIT;                // has the tasks written to standard error
  std::chrono::milliseconds shutdown_timeout{10'000};
};

// Makes the built-in module `_tonio` importable. Before Py_InitializeFromConfig.
// False when the interpreter's table of built-in modules can't be extended.
[[nodiscard]] bool register_builtin();

// Makes the package `tonio` importable (it lives in this binary) and keeps the
// host's options. After initialisation, attached. False with a Python exception
// set.
[[nodiscard]] bool install(const HostOptions& options);

// Starts the reactor and the worker pool now rather than at the first run.
// Attached. False with a Python exception set.
[[nodiscard]] bool start();

// True once the program itself ran the runtime (tonio.run, a function decorated
// with @tonio.main, Runtime.run_*).
bool was_run();

// The function that was decorated last with @tonio.main, ready to be called
// without arguments; a new reference, or null when there is none.
PyObject* declared_entrypoint();

// Runs `awaitable` (a generator, native coroutine or other awaitable) on the
// workers as tonio.run() does and gives its result as a new reference, or null
// with its exception set. Steals nothing.
PyObject* run(PyObject* awaitable);

// The last step before Py_FinalizeEx: cancels what still runs, waits at most the
// shutdown timeout, joins the workers and the blocking threads, closes the
// reactor. What interrupts it (what a signal's handler raises, SIGTERM's or a task's
// SystemExit) `report` finds set, and clears. Adds what would not stop to `left`, a
// line for each thing: unless that is empty, the process must leave with _exit after
// flushing, because a thread may still hold the interpreter, and the runtime can't be
// started again. Attached; never raises.
void shutdown(std::vector<std::string>& left, const std::function<void()>& report);

// How long atexit callbacks may take when something was left behind: the shutdown timeout, and
// not so short that a busy machine cuts off those that end by themselves.
std::chrono::milliseconds leaving_timeout();

}  // namespace tonio::python
