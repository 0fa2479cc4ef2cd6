// tonio.Event.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_event(PyObject* module);

}  // namespace tonio::python
