// Strings that hot paths look up, interned once.
#pragma once

#include "python/py.h"

namespace tonio::python::names {

extern PyObject* throw_;
extern PyObject* close;
extern PyObject* value;
extern PyObject* qualname;
extern PyObject* scope_id;

[[nodiscard]] bool init();

}  // namespace tonio::python::names
