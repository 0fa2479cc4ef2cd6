// The importer is a few lines of Python, itself embedded (stdlib/tonio/_importer.py), over three
// functions that read the embedded data.
#include "python/package_importer.h"

#include <marshal.h>

#include <algorithm>

#include "python/embedded_package.h"
#include "python/entry.h"

namespace tonio::python {
namespace {

constexpr const char kImporter[] = "tonio._importer";

const EmbeddedModule* find_module(PyObject* name) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(name, &size);
  if (!text) return nullptr;
  const std::string_view wanted(text, static_cast<std::size_t>(size));
  const auto modules = embedded_package();
  const auto found = std::find_if(modules.begin(), modules.end(),
                                  [&](const EmbeddedModule& m) { return m.name == wanted; });
  return found == modules.end() ? nullptr : &*found;
}

const EmbeddedModule* require_module(PyObject* name) {
  const EmbeddedModule* module = find_module(name);
  if (!module && !PyErr_Occurred()) {
    PyErr_Format(PyExc_ImportError, "%R is not part of tonio", name);
  }
  return module;
}

PyObject* load_code(PyObject*, PyObject* name) {
  const EmbeddedModule* module = require_module(name);
  if (!module) return nullptr;
  return PyMarshal_ReadObjectFromString(reinterpret_cast<const char*>(module->code.data()),
                                        static_cast<Py_ssize_t>(module->code.size()));
}

// Of what can be imported.
PyObject* find(PyObject*, PyObject* name) {
  const EmbeddedModule* module = find_module(name);
  if (module && module->name == kImporter) module = nullptr;
  if (!module) {
    if (PyErr_Occurred()) return nullptr;
    Py_RETURN_NONE;
  }
  Ref code = Ref::steal(load_code(nullptr, name));
  if (!code) return nullptr;
  return Py_BuildValue("NO", PyBool_FromLong(module->is_package),
                       reinterpret_cast<PyCodeObject*>(code.get())->co_filename);
}

PyObject* load_source(PyObject*, PyObject* name) {
  const EmbeddedModule* module = require_module(name);
  if (!module) return nullptr;
  return PyUnicode_DecodeUTF8(reinterpret_cast<const char*>(module->source.data()),
                              static_cast<Py_ssize_t>(module->source.size()), nullptr);
}

PyMethodDef functions[] = {
    {"find", as_cfunction<find>(), METH_O, nullptr},
    {"load_code", as_cfunction<load_code>(), METH_O, nullptr},
    {"load_source", as_cfunction<load_source>(), METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool install_package_importer() {
  Ref globals = Ref::steal(PyDict_New());
  Ref name = Ref::steal(PyUnicode_FromString(kImporter));
  Ref code = Ref::steal(name ? load_code(nullptr, name.get()) : nullptr);
  if (!globals || !code ||
      PyDict_SetItemString(globals.get(), "__builtins__", PyEval_GetBuiltins()) != 0 ||
      PyDict_SetItemString(globals.get(), "__name__", name.get()) != 0) {
    return false;
  }
  for (PyMethodDef* def = functions; def->ml_name; ++def) {
    Ref function = Ref::steal(PyCFunction_NewEx(def, nullptr, name.get()));
    if (!function || PyDict_SetItemString(globals.get(), def->ml_name, function.get()) != 0) {
      return false;
    }
  }
  return static_cast<bool>(Ref::steal(PyEval_EvalCode(code.get(), globals.get(), globals.get())));
}

}  // namespace tonio::python
