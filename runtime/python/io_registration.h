// tonio.io: readiness of any descriptor that can be polled.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_io_registration(PyObject* module);

}  // namespace tonio::python
