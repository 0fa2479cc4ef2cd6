#include "python/names.h"

namespace tonio::python::names {

PyObject* throw_;
PyObject* close;
PyObject* value;
PyObject* qualname;

bool init() {
  return (throw_ = PyUnicode_InternFromString("throw")) &&
         (close = PyUnicode_InternFromString("close")) &&
         (value = PyUnicode_InternFromString("value")) &&
         (qualname = PyUnicode_InternFromString("__qualname__"));
}

}  // namespace tonio::python::names
