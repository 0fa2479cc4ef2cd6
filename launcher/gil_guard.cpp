#include "gil_guard.h"

#include <Python.h>

// The one use of CPython's internals: what a module declared about the GIL has
// no public getter. The header belongs to the libpython that is linked.
// NOLINTNEXTLINE(readability-identifier-naming): not our name
#define Py_BUILD_CORE 1
#include <internal/pycore_moduleobject.h>
#undef Py_BUILD_CORE

#include "owned.h"

namespace tonio::launcher {

namespace {

constexpr const char* kAdvice =
    "extension module '%U' doesn't declare that it runs without the GIL; the "
    "GIL stays off, and the module may "
    "misbehave when several threads use it (--gil error refuses such modules)";

bool needs_gil(PyObject* module) {
  // As CPython judges: an object that is no module can't have declared
  // anything.
  if (!PyModule_Check(module)) {
    return true;
  }
#if PY_VERSION_HEX >= 0x030F0000
  return reinterpret_cast<PyModuleObject*>(module)->md_requires_gil;
#else
  return reinterpret_cast<PyModuleObject*>(module)->md_gil == Py_MOD_GIL_USED;
#endif
}

// The first frame outside of the import system: the import statement.
bool is_import_system(PyObject* filename) {
  const char* text = PyUnicode_AsUTF8(filename);
  if (text == nullptr) {
    PyErr_Clear();
    return false;
  }
  return std::string_view(text).substr(0, 18) == "<frozen importlib.";
}

bool warn_at_import(PyObject* name) {
  Owned message(PyUnicode_FromFormat(kAdvice, name));
  if (!message) {
    return false;
  }
  Owned filename(PyUnicode_FromString("sys"));  // as warnings.warn has it when there is no frame
  int line = 1;
  PyFrameObject* frame = PyEval_GetFrame();  // borrowed, then owned from PyFrame_GetBack on
  Owned holder;
  while (frame != nullptr) {
    Owned code(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
    PyObject* file = reinterpret_cast<PyCodeObject*>(code.get())->co_filename;
    if (!is_import_system(file)) {
      filename.reset(Py_NewRef(file));
      line = PyFrame_GetLineNumber(frame);
      break;
    }
    frame = PyFrame_GetBack(frame);
    holder.reset(reinterpret_cast<PyObject*>(frame));
  }
  return filename && PyErr_WarnExplicitObject(PyExc_RuntimeWarning, message.get(), filename.get(),
                                              line, nullptr, nullptr) == 0;
}

bool refuse(PyObject* name, PyObject* spec) {
  // A module of the old kind has put itself there already.
  PyObject* modules = PyImport_GetModuleDict();  // borrowed
  if (PyObject_DelItem(modules, name) < 0) {
    PyErr_Clear();
  }
  Owned message(PyUnicode_FromFormat(
      "extension module '%U' doesn't declare that it runs without the GIL, and "
      "--gil error (TONIO_GIL) refuses such "
      "modules; --gil warn loads it with the GIL off",
      name));
  Owned origin(PyObject_GetAttrString(spec, "origin"));
  if (message && origin) {
    PyErr_SetImportError(message.get(), name, origin.get());
  }
  return false;
}

// Stands for _imp.create_dynamic, which is `original`.
template <GilPolicy policy>
PyObject* create_dynamic(PyObject* original, PyObject* const* args, Py_ssize_t count) {
  Owned module(PyObject_Vectorcall(original, args, static_cast<std::size_t>(count), nullptr));
  if (!module || !needs_gil(module.get())) {
    return module.release();
  }
  Owned name(PyObject_GetAttrString(args[0], "name"));
  if (!name) {
    return nullptr;
  }
  bool accepted =
      policy == GilPolicy::kWarn ? warn_at_import(name.get()) : refuse(name.get(), args[0]);
  return accepted ? module.release() : nullptr;
}

// A function object refers to its definition for as long as it lives.
template <GilPolicy policy>
PyMethodDef guard_definition = {
    "create_dynamic",
    reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(create_dynamic<policy>)),
    METH_FASTCALL, "Creates an extension module."};

}  // namespace

bool install_gil_guard(GilPolicy policy) {
  Owned imp(PyImport_ImportModule("_imp"));
  if (!imp) {
    return false;
  }
  Owned original(PyObject_GetAttrString(imp.get(), "create_dynamic"));
  if (!original) {
    return false;
  }
  PyMethodDef* definition = policy == GilPolicy::kWarn ? &guard_definition<GilPolicy::kWarn>
                                                       : &guard_definition<GilPolicy::kError>;
  Owned guard(PyCFunction_New(definition, original.get()));
  return guard && PyObject_SetAttrString(imp.get(), "create_dynamic", guard.get()) == 0;
}

}  // namespace tonio::launcher
