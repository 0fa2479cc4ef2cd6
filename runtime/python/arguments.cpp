#include "python/arguments.h"

#include <algorithm>
#include <cmath>
#include <string>

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

std::optional<std::size_t> parse_count(PyObject* object, const char* what) {
  if (!PyLong_Check(object)) {
    PyErr_Format(PyExc_TypeError, "%s must be an int, not %T", what, object);
    return std::nullopt;
  }
  int overflow = 0;
  const long long count = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow == 0 && count >= 1) return static_cast<std::size_t>(count);
  PyErr_Format(PyExc_ValueError, "%s must be %s: %R", what,
               overflow > 0 ? "less than 2**63" : "at least 1", object);
  return std::nullopt;
}

std::optional<std::size_t> parse_only_count(PyObject* args, PyObject* keywords, const char* type) {
  PyObject* object = nullptr;
  const std::string format = std::string("O:") + type;
  const char* const names[] = {"n", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, format.c_str(), const_cast<char**>(names),
                                   &object)) {
    return std::nullopt;
  }
  return parse_count(object, (std::string(type) + "(): n").c_str());
}

std::chrono::milliseconds to_milliseconds(double seconds) {
  constexpr double kYear = 365.0 * 24 * 3600;
  return std::chrono::milliseconds(static_cast<long>(std::min(seconds, kYear) * 1e3));
}

}  // namespace tonio::python
