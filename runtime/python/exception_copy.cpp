#include "python/exception_copy.h"

#include <cstddef>
#include <cstring>

namespace tonio::python {
namespace {

// Whether all that its objects have beyond those of its base are slots. A class of an extension
// module may have fields that nobody else can copy.
bool adds_only_slots(const PyTypeObject& type) {
  Py_ssize_t slots = 0;
  for (PyMemberDef* member = type.tp_members; member && member->name; ++member) {
    slots += member->type == Py_T_OBJECT_EX ? 1 : 0;
  }
  const auto size = static_cast<Py_ssize_t>(sizeof(PyObject*)) * slots;
  return type.tp_basicsize == type.tp_base->tp_basicsize + size;
}

// The static class that holds the fields, or null where classes between have some of their own.
PyTypeObject* native_base(PyTypeObject* type) {
  for (; type->tp_flags & Py_TPFLAGS_HEAPTYPE; type = type->tp_base) {
    if (!adds_only_slots(*type)) return nullptr;
  }
  return type;
}

// By the arguments that __reduce__ of that class gives: (type, arguments[, attributes]). The rest
// is copied as it stands, since __setstate__ would go through the class's __setattr__.
Ref rebuild(PyObject* exception) {
  PyTypeObject* base = native_base(Py_TYPE(exception));
  if (!base) return Ref();
  PyObject* type = reinterpret_cast<PyObject*>(base);
  const Ref parts = Ref::steal(PyObject_CallMethod(type, "__reduce__", "O", exception));
  if (!parts || !PyTuple_Check(parts.get()) || PyTuple_GET_SIZE(parts.get()) < 2) return Ref();
  PyObject* arguments = PyTuple_GET_ITEM(parts.get(), 1);
  if (!PyTuple_Check(arguments)) return Ref();
  Ref copy = Ref::steal(base->tp_new(Py_TYPE(exception), arguments, nullptr));
  if (!copy || !Py_IS_TYPE(copy.get(), Py_TYPE(exception))) return Ref();
  if (base->tp_init(copy.get(), arguments, nullptr) != 0) return Ref();
  return copy;
}

// `to` is nobody else's yet. Of `from`, the reference is read under its lock, as who sets an
// attribute holds it.
void copy_reference(PyObject* from, PyObject* to, Py_ssize_t offset) {
  const auto at = [offset](PyObject* object) {
    return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + offset);
  };
  PyObject* value = nullptr;
  Py_BEGIN_CRITICAL_SECTION(from);
  value = Py_XNewRef(*at(from));
  Py_END_CRITICAL_SECTION();
  Py_XDECREF(std::exchange(*at(to), value));
}

// Fields of native classes and slots, which a program may have set to something else than what the
// arguments say (SystemExit.code).
void copy_fields(PyObject* from, PyObject* to) {
  for (PyTypeObject* type = Py_TYPE(from); type; type = type->tp_base) {
    for (PyMemberDef* member = type->tp_members; member && member->name; ++member) {
      if (member->type == _Py_T_OBJECT || member->type == Py_T_OBJECT_EX) {
        copy_reference(from, to, member->offset);
      } else if (member->type == Py_T_PYSSIZET) {
        std::memcpy(reinterpret_cast<char*>(to) + member->offset,
                    reinterpret_cast<const char*>(from) + member->offset, sizeof(Py_ssize_t));
      }
    }
  }
}

// False with an exception set.
bool copy_attributes(PyObject* from, PyObject* to) {
  copy_reference(from, to, offsetof(PyBaseExceptionObject, dict));
  PyObject*& attributes = reinterpret_cast<PyBaseExceptionObject*>(to)->dict;
  if (!attributes) return true;
  PyObject* own = PyDict_Copy(attributes);
  if (!own) return false;
  Py_DECREF(std::exchange(attributes, own));
  // Who adds a note adds it to this list.
  PyObject* notes = PyDict_GetItemString(own, "__notes__");
  if (!notes || !PyList_Check(notes)) return true;
  const Ref own_notes = Ref::steal(PySequence_List(notes));
  return own_notes && PyDict_SetItemString(own, "__notes__", own_notes.get()) == 0;
}

}  // namespace

Ref copy_exception(PyObject* exception) {
  Ref copy = rebuild(exception);
  if (!copy || !copy_attributes(exception, copy.get())) {
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
