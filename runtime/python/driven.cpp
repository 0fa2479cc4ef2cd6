#include "python/driven.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace tonio::python {
namespace {

int keep_generator(PyObject* object, void* found) {
  if (!object || !as_generator(object)) return 0;
  *static_cast<PyObject**>(found) = object;
  return 1;
}

}  // namespace

PyGenObject* as_generator(PyObject* object) {
  const bool is_one =
      PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object);
  return is_one ? reinterpret_cast<PyGenObject*>(object) : nullptr;
}

PyObject* driven_by(PyObject* object) {
  constexpr const char* kDrivers[] = {"coroutine_wrapper", "async_generator_asend",
                                      "async_generator_athrow"};
  const PyTypeObject* type = Py_TYPE(object);
  const auto is_driver = [&](const char* name) { return std::strcmp(name, type->tp_name) == 0; };
  PyObject* found = nullptr;
  // Its tp_traverse only looks.
  if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) && type->tp_traverse &&
      std::any_of(std::begin(kDrivers), std::end(kDrivers), is_driver)) {
    type->tp_traverse(object, keep_generator, &found);
  }
  return found;
}

}  // namespace tonio::python
