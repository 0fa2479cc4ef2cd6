// tonio.sync.Barrier.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_barrier(PyObject* module);

}  // namespace tonio::python
