// A blocking call: a function that a thread of the blocking pool calls, and what waiting for
// its end gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "python/py.h"
#include "python/thread_context.h"

namespace tonio::python {

// What cancelling the last waiter does to its call.
enum class OnCancel : std::uint8_t {
  kInterrupt,  // not begun: it won't run; running: CancelledError is raised inside it
  kFinish,     // not begun: it won't run; running: it ends, the waiter gets the outcome, and
               // is cancelled at its next suspension
  kShield,     // it ends in any case; the rest as kFinish
};

// Submits a call of `function` to the blocking pool. `args` is a tuple, which nobody else refers
// to, of the positional arguments, then the values of the keywords that the tuple `keywords` (or
// null) names. A new reference to what waits for it, or null with an exception set.
PyObject* make_blocking_call(PyObject* function, Ref args, Ref keywords, OnCancel on_cancel);

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

[[nodiscard]] bool init_blocking_call();

}  // namespace tonio::python
