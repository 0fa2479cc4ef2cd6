#include "python/arguments.h"

#include <algorithm>
#include <cmath>

namespace tonio::python {

std::optional<double> parse_seconds(PyObject* object, const char* what) {
  const double seconds = PyFloat_AsDouble(object);
  if (seconds == -1 && PyErr_Occurred()) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Format(PyExc_TypeError, "%s must be a number, not %T", what, object);
    }
    return std::nullopt;
  }
  if (std::isnan(seconds) || seconds < 0) {
    PyErr_Format(PyExc_ValueError, "%s must not be %s: %R", what,
                 std::isnan(seconds) ? "NaN" : "negative", object);
    return std::nullopt;
  }
  return seconds;
}

std::chrono::milliseconds to_milliseconds(double seconds) {
  constexpr double kYear = 365.0 * 24 * 3600;
  return std::chrono::milliseconds(static_cast<long>(std::min(seconds, kYear) * 1e3));
}

}  // namespace tonio::python
