// How a program ends: the order, and the exit code.
//
// 1. The program's exception is shown, or its SystemExit becomes the exit code
//    (python/exit_code.h). The first who asks for the end (sys.exit, Ctrl-C,
//    SIGTERM) decides the code. From here to step 4 a SIGTERM that comes while
//    nothing waits is kept until that is over; a second one ends the process.
// 2. threading's own shutdown: non-daemon threads are joined, and may still use
//    the runtime while they finish. After Ctrl-C or SIGTERM, before this step or
//    in it, they have the shutdown timeout.
// 3. The runtime stops: tasks are cancelled, their finally blocks run.
// 4. Py_FinalizeEx: atexit callbacks (which find the runtime stopped, as they
//    find Python's threads ended; a run of theirs starts it anew, and it stops
//    after the last of them), the flush of the standard streams, the rest.
//
// When something would not stop, step 4 is only the callbacks, which can't start the
// runtime any more, the flush, and _exit.
//
// A plain Python (-c, -m, python*) is ended by CPython itself, in steps 1, 2 and 4;
// there the runtime, if it was used, stops after the atexit callbacks.
#pragma once

#include <Python.h>

#include <optional>

namespace tonio::launcher {

// All of them. `exit_code` is what the program has come to; without one its exception
// is set. Gives the exit code of the process: that, that of an interruption, or 120
// when the standard streams could not be flushed.
// Leaves with _exit, with the same code, when a thread or a part of the runtime
// would not stop. Attached, on the main thread.
int end_program(std::optional<int> exit_code);

// See extend_interpreter.
[[nodiscard]] bool register_runtime_stop();

}  // namespace tonio::launcher
