// tonio.spawn_blocking and tonio.map_blocking.
#pragma once

#include <string>
#include <vector>

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_blocking(PyObject* module);

// Adds a line for each call that runs at this moment. Attached.
void describe_blocking_calls(std::vector<std::string>& lines);

}  // namespace tonio::python
