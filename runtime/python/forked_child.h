// A child that was forked on a thread of the runtime: by a task, by a blocking call, or by a
// finalizer. There it is the only thread, and what comes back to the scheduler or to the pool
// would run, or wait for, what belongs to the parent.
#pragma once

#include "python/host.h"

namespace tonio::python {

// Leaves the process as a program ends, but for the finalisation, which is for the thread that has
// begun the interpreter: with 0, or with what the exception that is set makes of it
// (report_exception). Attached.
[[noreturn]] void leave_forked_child();

// Before a thread of the runtime goes on to anything else. Attached.
inline void leave_if_forked() {
  if (Host::instance().forked()) [[unlikely]]
    leave_forked_child();
}

}  // namespace tonio::python
