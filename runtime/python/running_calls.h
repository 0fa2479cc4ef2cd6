// The blocking calls that run, for the end of a run or of the program, which may have to leave them
// behind, and for who names them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "python/thread_context.h"

namespace tonio::python {

struct RunningCall;

// By the call's thread.
void add_running_call(RunningCall& call);
void remove_running_call(RunningCall& call);

// A call has the grace time (Host::grace) from when a task that ends with its run asks it to end
// (OnCancel::kInterrupt). One that has not heard of it after half of that, being stuck in C code,
// is abandoned: who waits for it gets CancelledError, and has the other half for its own clean-up,
// while the call runs on. Does so with those that are late. Attached.
void abandon_late_calls();
// How many of those run, of tasks of the group.
std::size_t abandoned_calls(TaskGroup group);
// How many of those have time left; of no group, when all tasks have ended that are waited for: of
// all that run.
std::size_t calls_in_time(std::optional<TaskGroup> group);

[[nodiscard]] bool calls_run();

// Adds a line for each call that runs at this moment. Attached.
void describe_blocking_calls(std::vector<std::string>& lines);

}  // namespace tonio::python
