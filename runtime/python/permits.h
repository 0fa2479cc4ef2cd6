// What Lock and Semaphore have in common: a native base type with all that acquires and
// releases, the acquire operation, and the guard that it gives.
#pragma once

#include <cstddef>

#include "python/py.h"
#include "sync/semaphore.h"

namespace tonio::python {

struct Permits {
  PyObject_HEAD PyObject* weak_references;
  const char* noun;  // "lock", for messages
  sync::Semaphore semaphore;
};

inline Permits* as_permits(PyObject* self) { return reinterpret_cast<Permits*>(self); }

// For tp_new of the derived types.
PyObject* new_permits(PyTypeObject* type, std::size_t permits, const char* noun);

// Makes `type`, which has its name, documentation, constructor and own methods, a type
// derived from the base, and adds it to the module. Prepares the base when called first.
[[nodiscard]] bool add_permits_type(PyObject* module, PyTypeObject& type);

}  // namespace tonio::python
