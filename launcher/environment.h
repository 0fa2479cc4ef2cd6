// The environment variables of this process. Used only before the interpreter
// and the runtime exist, while there is one thread.
#pragma once

#include <string>

namespace tonio::launcher {

// The value, or empty: an empty variable says as much as none.
std::string read_variable(const std::string& name);

// For what this process starts, and for os.environ.
void export_variable(const std::string& name, const std::string& value);

}  // namespace tonio::launcher
