// A reference to a Python object that is ours to release, on an attached
// thread.
#pragma once

#include <Python.h>

#include <memory>

namespace tonio::launcher {

struct Release {
  void operator()(PyObject* object) const { Py_DECREF(object); }
};

// Null after a call that failed, or for "there is none".
using Owned = std::unique_ptr<PyObject, Release>;

}  // namespace tonio::launcher
