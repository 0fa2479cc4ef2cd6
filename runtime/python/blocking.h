// tonio.spawn_blocking and its kin, and tonio.map_blocking.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_blocking(PyObject* module);

}  // namespace tonio::python
