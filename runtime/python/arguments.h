// Reading what Python passes in, with messages that name the thing.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "python/py.h"

namespace tonio::python {

// A number of seconds that is neither negative nor NaN. None with an exception set that
// begins with `what`, such as "tonio.sleep(): seconds".
std::optional<double> parse_seconds(PyObject* object, const char* what);

// An int from 1. None with an exception set that begins with `what`, such as
// "channel(): n".
std::optional<std::size_t> parse_count(PyObject* object, const char* what);

// The same for the constructor of `type`, whose only argument is n.
std::optional<std::size_t> parse_only_count(PyObject* args, PyObject* keywords, const char* type);

// For settings: at most a year, so that adding it to a clock is always possible.
std::chrono::milliseconds to_milliseconds(double seconds);

}  // namespace tonio::python
