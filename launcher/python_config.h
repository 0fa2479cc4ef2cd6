// How the embedded interpreter is configured: where its standard library is,
// what sys.executable, sys.argv and sys.prefix are, and that the GIL stays off.
#pragma once

#include <Python.h>

#include <string>
#include <vector>

#define TONIO_TEXT_(x) #x
#define TONIO_TEXT(x) TONIO_TEXT_(x)

namespace tonio::launcher {

inline constexpr const char* kStdlibFolderWithGil =
    "python" TONIO_TEXT(PY_MAJOR_VERSION) "." TONIO_TEXT(PY_MINOR_VERSION);
inline constexpr const char* kStdlibFolder =
    "python" TONIO_TEXT(PY_MAJOR_VERSION) "." TONIO_TEXT(PY_MINOR_VERSION) "t";

struct InterpreterOptions {
  std::string executable;         // sys.executable, absolute
  std::string venv;               // the virtual environment's folder, or empty
  std::vector<std::string> argv;  // what this process was started with, argv[0] included
};

// A script of ours: nothing of the command line is Python's, but its PYTHON*
// variables hold. `script_argv` becomes sys.argv. Throws StartError.
void initialize_for_script(const InterpreterOptions& options,
                           const std::vector<std::string>& script_argv);

// Python reads `options.argv` itself. Leaves the process for flags like -V that
// only print, and for wrong ones. Throws StartError.
void initialize_as_python(const InterpreterOptions& options);

// As python* the search for sys.executable and the virtual environment is
// Python's own, from argv[0], and so is its rule for the GIL. Otherwise as
// above.
void initialize_exactly_python(const std::vector<std::string>& argv);

// True if the GIL is off in this interpreter (PYTHON_GIL=1 and -X gil=1 turn it
// on).
bool gil_is_off();

}  // namespace tonio::launcher
