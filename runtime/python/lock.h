// tonio.sync.Lock.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_lock(PyObject* module);

}  // namespace tonio::python
