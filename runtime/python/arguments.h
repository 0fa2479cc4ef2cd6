// Reading what Python passes in, with messages that name the thing.
#pragma once

#include <chrono>
#include <optional>

#include "python/py.h"

namespace tonio::python {

// A number of seconds that is neither negative nor NaN. None with an exception set that
// begins with `what`, such as "tonio.sleep(): seconds".
std::optional<double> parse_seconds(PyObject* object, const char* what);

// For settings: at most a year, so that adding it to a clock is always possible.
std::chrono::milliseconds to_milliseconds(double seconds);

// Function pointers of the other calling conventions, as PyMethodDef wants them.
template <auto function>
constexpr PyCFunction as_cfunction() {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace tonio::python
