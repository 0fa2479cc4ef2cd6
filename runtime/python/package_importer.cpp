// The importer is a few lines of Python, compiled at start-up, over two functions that
// read the embedded data: it follows importlib's protocol (PEP 451), and linecache and
// inspect find the source through its get_source().
#include "python/package_importer.h"

#include <marshal.h>

#include <algorithm>

#include "python/embedded_package.h"

namespace tonio::python {
namespace {

constexpr const char kImporter[] = R"(
class EmbeddedImporter:
    """Imports the package that lies in the tonio binary (PEP 451)."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        found = find(name)
        if found is None:
            return None
        is_package, filename = found
        spec = ModuleSpec(name, EmbeddedImporter, origin=filename, is_package=is_package)
        spec.has_location = True
        spec.cached = None
        return spec

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        exec(load_code(module.__name__), module.__dict__)

    @staticmethod
    def get_code(name):
        return load_code(name)

    @staticmethod
    def get_source(name):
        return load_source(name)

    @staticmethod
    def is_package(name):
        return find(name)[0]

    @staticmethod
    def find_distributions(context):
        """For importlib.metadata: the package has a version and entry points."""
        # Not where somebody looks at certain folders only.
        if context.path is sys.path and context.name in (None, "tonio"):
            from tonio._distribution import Distribution
            yield Distribution()


sys.meta_path.insert(0, EmbeddedImporter)
)";

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

PyObject* find(PyObject*, PyObject* name) {
  const EmbeddedModule* module = find_module(name);
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
    {"find", find, METH_O, nullptr},
    {"load_code", load_code, METH_O, nullptr},
    {"load_source", load_source, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool install_package_importer() {
  Ref importlib = Ref::steal(PyImport_ImportModule("_frozen_importlib"));
  Ref spec_type =
      Ref::steal(importlib ? PyObject_GetAttrString(importlib.get(), "ModuleSpec") : nullptr);
  Ref globals = Ref::steal(PyDict_New());
  Ref name = Ref::steal(PyUnicode_FromString("tonio_importer"));
  Ref sys = Ref::steal(PyImport_ImportModule("sys"));
  if (!spec_type || !globals || !name || !sys) return false;
  if (PyDict_SetItemString(globals.get(), "__builtins__", PyEval_GetBuiltins()) != 0 ||
      PyDict_SetItemString(globals.get(), "__name__", name.get()) != 0 ||
      PyDict_SetItemString(globals.get(), "sys", sys.get()) != 0 ||
      PyDict_SetItemString(globals.get(), "ModuleSpec", spec_type.get()) != 0) {
    return false;
  }
  for (PyMethodDef* def = functions; def->ml_name; ++def) {
    Ref function = Ref::steal(PyCFunction_NewEx(def, nullptr, name.get()));
    if (!function || PyDict_SetItemString(globals.get(), def->ml_name, function.get()) != 0) {
      return false;
    }
  }
  return static_cast<bool>(
      Ref::steal(PyRun_String(kImporter, Py_file_input, globals.get(), globals.get())));
}

}  // namespace tonio::python
