// The built-in module `_tonio`.
#pragma once

#include "python/py.h"

namespace tonio::python {

PyObject* init_module();

// The function that was decorated last with @tonio.main; a new reference or null.
PyObject* declared_entrypoint_object();

}  // namespace tonio::python
