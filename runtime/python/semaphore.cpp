#include "python/semaphore.h"

#include "python/arguments.h"
#include "python/entry.h"
#include "python/permits.h"

namespace tonio::python {
namespace {

PyTypeObject semaphore_type = empty_type();

PyObject* semaphore_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  const auto permits = parse_only_count(args, keywords, "Semaphore");
  return permits ? new_permits(type, *permits, "semaphore") : nullptr;
}

PyObject* semaphore_tokens(PyObject* self, PyObject*) {
  return PyLong_FromSize_t(as_permits(self)->semaphore.available());
}

PyMethodDef semaphore_methods[] = {
    {"tokens", as_cfunction<semaphore_tokens>(), METH_NOARGS,
     PyDoc_STR("tokens($self, /)\n--\n\nHow many more can acquire it without waiting.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_semaphore(PyObject* module) {
  semaphore_type.tp_name = "tonio.sync.Semaphore";
  semaphore_type.tp_doc = PyDoc_STR(
      "Semaphore(n)\n--\n\n"
      "At most n (an int, at least 1) have it at a time, first come first served: "
      "`with (yield semaphore()):` or `async with semaphore:`. Calling it suspends until it is "
      "acquired and gives a context manager that releases it.");
  semaphore_type.tp_new = entry<semaphore_new>;
  semaphore_type.tp_methods = semaphore_methods;
  return add_permits_type(module, semaphore_type);
}

}  // namespace tonio::python
