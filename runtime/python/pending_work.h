// What CPython does between a thread's bytecodes, for threads that run none.
//
// An object belongs to the thread that has made it; another thread that drops the last
// reference leaves it to that one (biased reference counting, PEP 703), which frees it at
// its next bytecode. A blocking thread that only ever calls C functions, such as a file's
// read(), would keep all that it has read.
#pragma once

#include "python/py.h"

namespace tonio::python {

// Attached, on a thread in which nothing is being run. Keeps an exception that is set.
void run_pending_work();

[[nodiscard]] bool init_pending_work();

}  // namespace tonio::python
