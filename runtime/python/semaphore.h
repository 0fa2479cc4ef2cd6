// tonio.sync.Semaphore.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_semaphore(PyObject* module);

}  // namespace tonio::python
