// The threads of the program that are no daemons, at its end.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tonio::python {

// Runs threading's own shutdown, which joins them. By itself that has no limit, as in python.
// Once the program was interrupted it has the shutdown timeout, and a second signal ends
// it at once. The tasks that are there when it is interrupted are asked to end, as threads may wait
// for them. `was_interrupted`: the program was before. One that comes meanwhile is the exception
// that a signal's handler has raised, SIGTERM's SystemExit, or what a task has asked to exit with:
// `report` finds it set, and clears it. On the main thread, attached. Gives the threads that still
// run, as text.
[[nodiscard]] std::vector<std::string> join_threads(bool was_interrupted,
                                                    const std::function<void()>& report);

}  // namespace tonio::python
