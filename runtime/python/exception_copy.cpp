#include "python/exception_copy.h"

namespace tonio::python {
namespace {

// The class of the interpreter's, or of an extension module, that holds the fields.
PyTypeObject* native_base(PyTypeObject* type) {
  while (type->tp_flags & Py_TPFLAGS_HEAPTYPE) type = type->tp_base;
  return type;
}

// What __reduce__ of that class says makes the object: (type, arguments[, attributes]).
Ref rebuild(PyObject* exception) {
  PyTypeObject* base = native_base(Py_TYPE(exception));
  PyObject* type = reinterpret_cast<PyObject*>(base);
  const Ref parts = Ref::steal(PyObject_CallMethod(type, "__reduce__", "O", exception));
  if (!parts || !PyTuple_Check(parts.get()) || PyTuple_GET_SIZE(parts.get()) < 2) return Ref();
  PyObject* arguments = PyTuple_GET_ITEM(parts.get(), 1);
  if (!PyTuple_Check(arguments)) return Ref();
  Ref copy = Ref::steal(base->tp_new(Py_TYPE(exception), arguments, nullptr));
  if (!copy || !Py_IS_TYPE(copy.get(), Py_TYPE(exception))) return Ref();
  if (base->tp_init(copy.get(), arguments, nullptr) != 0) return Ref();
  if (PyTuple_GET_SIZE(parts.get()) > 2) {
    const Ref done = Ref::steal(PyObject_CallMethod(type, "__setstate__", "OO", copy.get(),
                                                    PyTuple_GET_ITEM(parts.get(), 2)));
    if (!done) return Ref();
  }
  return copy;
}

// Fields of native classes and slots, which a program may have set to something else than what the
// arguments say (SystemExit.code).
void copy_fields(PyObject* from, PyObject* to) {
  const auto field_at = [](PyObject* object, Py_ssize_t offset) {
    return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + offset);
  };
  for (PyTypeObject* type = Py_TYPE(from); type; type = type->tp_base) {
    for (PyMemberDef* member = type->tp_members; member && member->name; ++member) {
      if (member->type != _Py_T_OBJECT && member->type != Py_T_OBJECT_EX) continue;
      PyObject* value = Py_XNewRef(*field_at(from, member->offset));
      Py_XDECREF(std::exchange(*field_at(to, member->offset), value));
    }
  }
}

}  // namespace

Ref copy_exception(PyObject* exception) {
  Ref copy = rebuild(exception);
  if (!copy) {
    PyErr_Clear();
    return Ref::borrow(exception);
  }
  copy_fields(exception, copy.get());
  if (const Ref traceback = Ref::steal(PyException_GetTraceback(exception))) {
    (void)PyException_SetTraceback(copy.get(), traceback.get());
  }
  // Each takes over the reference. The cause sets the flag that suppresses the context.
  PyException_SetCause(copy.get(), PyException_GetCause(exception));
  PyException_SetContext(copy.get(), PyException_GetContext(exception));
  auto* to = reinterpret_cast<PyBaseExceptionObject*>(copy.get());
  to->suppress_context = reinterpret_cast<PyBaseExceptionObject*>(exception)->suppress_context;
  return copy;
}

}  // namespace tonio::python
