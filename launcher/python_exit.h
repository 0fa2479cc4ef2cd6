// The exit code of a plain Python, which CPython finalises itself: it tells nobody before it
// leaves.
#pragma once

namespace tonio::launcher {

struct PythonExit {
  int code = 0;  // kInterrupted where CPython ends itself by SIGINT
  bool by_system_exit = false;
};

// Before any code of the user's, on the main thread, attached. False with an exception set.
[[nodiscard]] bool watch_python_exit();

// With what CPython is about to leave. In the last atexit callback.
PythonExit python_exit();

// Ends the process by SIGINT, so that a shell knows of the Ctrl-C.
void end_by_interrupt();

}  // namespace tonio::launcher
