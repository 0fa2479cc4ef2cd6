// For tests: the runtime's clock stands still and is moved by hand; waiting until everything
// is at rest.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_manual_clock(PyObject* module);

}  // namespace tonio::python
