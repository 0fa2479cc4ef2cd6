// The function that a script leaves to be run on the workers.
#pragma once

#include <optional>
#include <string>

namespace tonio::launcher {

// After a module body that didn't run the runtime itself: finds the entrypoint
// and runs it to its end. `name` is what --entry or SCRIPT:NAME said, or empty;
// then it is the function decorated with @tonio.main, else a generator or async
// function called main, else there is none, and the script was the program.
// Attached, on the main thread. Gives the exit code, or nothing with an exception
// set.
std::optional<int> run_entrypoint(const std::string& name);

}  // namespace tonio::launcher
