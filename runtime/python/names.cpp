#include "python/names.h"

namespace tonio::python::names {

PyObject* throw_;
PyObject* close;
PyObject* value;
PyObject* qualname;
PyObject* scope_id;

bool init() {
  return (throw_ = PyUnicode_InternFromString("throw")) &&
         (close = PyUnicode_InternFromString("close")) &&
         (value = PyUnicode_InternFromString("value")) &&
         (qualname = PyUnicode_InternFromString("__qualname__")) &&
         (scope_id = PyUnicode_InternFromString("_scope_id"));
}

}  // namespace tonio::python::names
