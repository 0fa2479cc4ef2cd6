#include "python/lock.h"

#include "python/entry.h"
#include "python/permits.h"

namespace tonio::python {
namespace {

PyTypeObject lock_type = empty_type();

PyObject* lock_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  if (PyTuple_GET_SIZE(args) > 0 || (keywords && PyDict_GET_SIZE(keywords) > 0)) {
    PyErr_SetString(PyExc_TypeError, "Lock() takes no arguments");
    return nullptr;
  }
  return new_permits(type, 1, "lock");
}

PyObject* lock_locked(PyObject* self, PyObject*) {
  return PyBool_FromLong(as_permits(self)->semaphore.available() == 0);
}

PyMethodDef lock_methods[] = {
    {"locked", as_cfunction<lock_locked>(), METH_NOARGS,
     PyDoc_STR("locked($self, /)\n--\n\nWhether somebody has the lock.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_lock(PyObject* module) {
  lock_type.tp_name = "tonio.sync.Lock";
  lock_type.tp_doc = PyDoc_STR(
      "Lock()\n--\n\n"
      "One task at a time has it, first come first served: `with (yield lock()):` or "
      "`async with lock:`. Not reentrant. Calling it suspends until it is acquired and gives a "
      "context manager that releases it.");
  lock_type.tp_new = entry<lock_new>;
  lock_type.tp_methods = lock_methods;
  return add_permits_type(module, lock_type);
}

}  // namespace tonio::python
