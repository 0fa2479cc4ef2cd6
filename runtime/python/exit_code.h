// What a process in which Python runs leaves with, and what it says before.
#pragma once

namespace tonio::python {

// An unhandled KeyboardInterrupt: 128 + SIGINT.
inline constexpr int kInterrupted = 130;
// SIGTERM: 128 + SIGTERM.
inline constexpr int kTerminated = 143;
// The standard streams could not be flushed; as python has it.
inline constexpr int kFlushFailed = 120;

// By sys.exit, Ctrl-C or SIGTERM. The first who asks decides the exit code. Main thread only.
inline bool end_was_asked_for = false;

// Reports the Python exception that is set, as python would (sys.excepthook
// included), clears it, and gives the exit code. Attached.
int report_exception();

// Python's and C's. False if standard output or standard error could not be written. Attached.
bool flush_standard_streams();

}  // namespace tonio::python
