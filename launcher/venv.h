// Which virtual environment a program runs in.
//
// CPython looks for pyvenv.cfg beside its executable only, and this executable
// is usually in no virtual environment. So the launcher chooses, in this order:
// --venv, the one whose bin/tonio was called, VIRTUAL_ENV, a .venv beside the
// script or in a folder above it.
#pragma once

#include <string>

namespace tonio::launcher {

struct VenvRequest {
  std::string wanted;         // what --venv said, or empty
  std::string called;         // argv[0]
  std::string script_folder;  // absolute; empty for a program that is no file
};

// The absolute path of the virtual environment to use, or empty for none. A
// `wanted` one that can't be used throws StartError; any other gives one
// warning on standard error and is left alone. What was chosen is exported, so
// that children started by sys.executable choose the same.
std::string choose_venv(const VenvRequest& request);

// Why `folder` can't be used as a virtual environment by the embedded Python,
// and what to do; empty if it can.
std::string venv_problem(const std::string& folder);

}  // namespace tonio::launcher
