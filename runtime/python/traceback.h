// Tracebacks of a script's failures, without the frames between the launcher
// and the script's own.
#pragma once

#include "python/py.h"

namespace tonio::python {

// Takes the frames of the built-in package out of the exception's traceback
// where the script's code is called by them. An error that is raised in the
// package itself keeps them. Attached; no exception is set before or after.
void hide_package_frames(PyObject* exception);

}  // namespace tonio::python
