#include "help.h"

#include <Python.h>

#include "core/versions.h"
#include "options.h"

namespace tonio::launcher {

namespace {

constexpr const char* kUsage = R"(tonio runs a Python program on all cores.

Usage:
  tonio run [options] SCRIPT[:NAME] [args]   options on both sides of SCRIPT; after -- all is the script's
  tonio [options] SCRIPT[:NAME] [args]       for #! lines: what follows SCRIPT is the script's
  tonio [options] -c CODE | -m MODULE | -    acts as a plain Python, and takes Python's flags (-i: the prompt)

SCRIPT is a file, a folder or zip file with a __main__.py, or (after run) - for standard input. Its module
body runs first. Unless that ran the runtime itself, the function to run is the one named by NAME or --entry,
else the one decorated with @tonio.main, else a generator or async function called main.
)";

constexpr const char* kExamples = R"(
An option beats its variable (in brackets), which beats what the script gives to tonio.run().

Examples:
  tonio run app.py --threads 8             eight workers
  tonio run app.py -- --port 80 --help     options that the script gets
  tonio run app.py:serve                   run the function serve
  TONIO_THREADS=2 tonio run app.py         the same options as variables, for containers
  #!/usr/bin/env tonio                     as a script's first line
  #!/usr/bin/env -S tonio run --threads 2  the same, with options
  tonio -m venv .venv                      a virtual environment; the next run finds it
)";

const char* compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown";
#endif
}

}  // namespace

std::string help_text() {
  Options unused;
  return kUsage + OptionTable(unused).describe() + kExamples;
}

std::string version_text() {
  std::string python = Py_GetVersion();
  return std::string("tonio ") + TONIO_VERSION + "\nPython " + python.substr(0, python.find(' ')) +
         " free-threaded\nlibuv " + core::uv_version() + "\nmbedTLS " + core::mbedtls_version() +
         "\ncompiler " + compiler() + "\n";
}

}  // namespace tonio::launcher
