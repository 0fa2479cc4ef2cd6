// tonio.sync.channel: bounded and unbounded channels, their ends, and what suspends on them.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_channel(PyObject* module);

}  // namespace tonio::python
