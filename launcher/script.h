// The script: where it is, and its module body as __main__.
#pragma once

#include <Python.h>

#include <string>

namespace tonio::launcher {

// Throws StartError if `path` ("-" is standard input) can't be run.
void check_script(const std::string& path);

// The folder that --venv's search starts from and, for a plain file,
// sys.path[0]. Empty for standard input.
std::string folder_of_script(const std::string& path);

// Puts sys.path[0] in place and runs the module body as __main__. Attached, on
// the main thread. False with a Python exception set.
[[nodiscard]] bool run_script(const std::string& path);

}  // namespace tonio::launcher
