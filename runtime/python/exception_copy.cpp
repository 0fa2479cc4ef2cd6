#include "python/exception_copy.h"

#include <cstddef>
#include <cstring>

namespace tonio::python {
namespace {

// Of what a class adds to its base: the bytes of a field that copy_fields copies, or 0. (A number
// that is read-only may be no field, but say where a class made by PyType_FromSpec has one.)
Py_ssize_t copied_size(const PyMemberDef& member) {
  if (member.type == _Py_T_OBJECT || member.type == Py_T_OBJECT_EX) return sizeof(PyObject*);
  const bool is_number = member.type == Py_T_PYSSIZET && !(member.flags & Py_READONLY);
  return is_number ? sizeof(Py_ssize_t) : 0;
}

// Calls `function` with each class below BaseException.
template <typename Function>
void for_each_class(PyObject* exception, Function function) {
  const auto* last = reinterpret_cast<PyTypeObject*>(PyExc_BaseException);
  for (PyTypeObject* type = Py_TYPE(exception); type != last; type = type->tp_base) function(*type);
}

template <typename Function>
void for_each_member(const PyTypeObject& type, Function function) {
  for (PyMemberDef* member = type.tp_members; member && member->name; ++member) function(*member);
}

// Whether its classes describe all that an object of them holds. Those of an extension module may
// have fields that nobody else can copy.
bool has_known_fields(PyObject* exception) {
  bool known = true;
  for_each_class(exception, [&](const PyTypeObject& type) {
    Py_ssize_t end = type.tp_base->tp_basicsize;
    for_each_member(type, [&](const PyMemberDef& member) {
      if (member.offset >= type.tp_base->tp_basicsize) end += copied_size(member);
    });
    if (&type == reinterpret_cast<PyTypeObject*>(PyExc_OSError)) end += sizeof(Py_ssize_t);
    known = known && end == type.tp_basicsize;
  });
  return known;
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

// Arguments, fields of native classes and slots.
void copy_fields(PyObject* from, PyObject* to) {
  copy_reference(from, to, offsetof(PyBaseExceptionObject, args));
  for_each_class(from, [&](const PyTypeObject& type) {
    for_each_member(type, [&](const PyMemberDef& member) {
      if (copied_size(member) == 0) return;
      if (member.type == Py_T_PYSSIZET) {
        std::memcpy(reinterpret_cast<char*>(to) + member.offset,
                    reinterpret_cast<const char*>(from) + member.offset, sizeof(Py_ssize_t));
      } else {
        copy_reference(from, to, member.offset);
      }
    });
  });
  if (PyErr_GivenExceptionMatches(from, PyExc_OSError)) {
    reinterpret_cast<PyOSErrorObject*>(to)->written =
        reinterpret_cast<PyOSErrorObject*>(from)->written;
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
  if (!has_known_fields(exception)) return Ref::borrow(exception);
  Ref copy = Ref::steal(Py_TYPE(exception)->tp_alloc(Py_TYPE(exception), 0));
  if (copy) copy_fields(exception, copy.get());
  if (!copy || !copy_attributes(exception, copy.get())) {
    PyErr_Clear();
    return Ref::borrow(exception);
  }
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
