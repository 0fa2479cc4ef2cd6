// Running a coroutine from a thread that is no worker: tonio.run(), Runtime,
// tonio.block_on().
#pragma once

#include "python/py.h"
#include "python/thread_context.h"

namespace tonio::python {

[[nodiscard]] bool init_run(PyObject* module);

// What a run may ask for; what the command line or the environment says wins.
struct RunOptions {
  bool context = false;
  unsigned threads = 0;           // 0: not said
  unsigned blocking_threads = 0;  // 0: not said
  double blocking_ttl = -1;       // seconds; negative: not said
  TaskGroup group = kNoGroup;     // of the tasks that the run is about
  double limit = 0;               // seconds of real time for it; 0: none
  bool forever = false;           // it waits for stop(), so it is never deadlocked
  PyObject* signals = nullptr;    // for receivers, a tuple of ints; borrowed, may be null
};

// Runs `awaitable` on the workers and waits. With `end_others` the tasks that are left
// afterwards are cancelled and waited for, as at the end of a program. A new reference,
// or null with an exception set. Tasks of other groups go on in any case.
PyObject* run_awaitable(PyObject* awaitable, const RunOptions& options, bool end_others);

// Whether the program has run the runtime itself.
bool was_run();
// Whether a run is under way on another thread than the main thread.
bool runs_elsewhere();

}  // namespace tonio::python
