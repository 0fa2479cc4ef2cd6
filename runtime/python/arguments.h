// Reading what Python passes in, with messages that name the thing.
#pragma once

#include <optional>

#include "python/py.h"

namespace tonio::python {

// A number of seconds that is neither negative nor NaN. None with an exception set that
// begins with `what`, such as "tonio.sleep(): seconds".
std::optional<double> parse_seconds(PyObject* object, const char* what);

// Function pointers of the other calling conventions, as PyMethodDef wants them.
template <auto function>
constexpr PyCFunction as_cfunction() {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace tonio::python
