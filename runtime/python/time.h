// sleep, yield_now and the runtime's clock.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_time(PyObject* module);

}  // namespace tonio::python
