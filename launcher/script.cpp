#include "script.h"

#include <marshal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "owned.h"
#include "process.h"
#include "start_error.h"

namespace tonio::launcher {

namespace {

constexpr const char* kStandardInput = "-";

PyObject* main_globals() {
  Owned module(PyImport_AddModuleRef("__main__"));
  return module ? PyModule_GetDict(module.get())
                : nullptr;  // borrowed; the module lives in sys.modules
}

bool prepend_to_path(PyObject* entry) {
  PyObject* path = PySys_GetObject("path");  // borrowed
  if (path == nullptr || !PyList_Check(path)) {
    PyErr_SetString(PyExc_RuntimeError, "sys.path is not a list");
    return false;
  }
  return PyList_Insert(path, 0, entry) == 0;
}

// -P and PYTHONSAFEPATH keep the script's folder out of sys.path.
bool is_path_safe() {
  PyObject* flags = PySys_GetObject("flags");  // borrowed
  Owned safe(flags == nullptr ? nullptr : PyObject_GetAttrString(flags, "safe_path"));
  int is_safe = safe ? PyObject_IsTrue(safe.get()) : 0;
  PyErr_Clear();
  return is_safe == 1;
}

// A folder or a zip file: anything that can stand in sys.path. -1 on error.
int is_importable(PyObject* path) {
  Owned importer(PyImport_GetImporter(path));
  return importer ? importer.get() != Py_None : -1;
}

// Runs the __main__.py of sys.path[0], as `python folder` does.
bool run_main_module() {
  Owned runpy(PyImport_ImportModule("runpy"));
  Owned result(
      runpy ? PyObject_CallMethod(runpy.get(), "_run_module_as_main", "sO", "__main__", Py_False)
            : nullptr);
  return result != nullptr;
}

bool set_main_file(PyObject* globals, PyObject* filename, const char* loader_name) {
  Owned name(PyUnicode_FromString("_frozen_importlib_external"));
  Owned machinery(name ? PyImport_GetModule(name.get()) : nullptr);
  Owned loader(machinery
                   ? PyObject_CallMethod(machinery.get(), loader_name, "sO", "__main__", filename)
                   : nullptr);
  return loader && PyDict_SetItemString(globals, "__file__", filename) == 0 &&
         PyDict_SetItemString(globals, "__cached__", Py_None) == 0 &&
         PyDict_SetItemString(globals, "__loader__", loader.get()) == 0;
}

// Compiled code, by its name or its first bytes. Only a file that can be read
// from its start again is looked into: a script may be a pipe.
bool is_compiled(std::FILE* file, const std::string& path) {
  if (path.size() > 4 && path.compare(path.size() - 4, 4, ".pyc") == 0) {
    return true;
  }
  unsigned char bytes[2];
  bool compiled = false;
  if (std::ftell(file) == 0) {
    const auto magic = static_cast<unsigned long>(PyImport_GetMagicNumber());
    compiled = std::fread(bytes, 1, 2, file) == 2 &&
               (bytes[0] | bytes[1] << 8) == static_cast<int>(magic & 0xFFFF);
    std::rewind(file);
  }
  return compiled;
}

PyObject* run_compiled(std::FILE* file, PyObject* globals) {
  if (PyMarshal_ReadLongFromFile(file) != PyImport_GetMagicNumber()) {
    if (!PyErr_Occurred()) {
      PyErr_SetString(PyExc_RuntimeError, "Bad magic number in .pyc file");
    }
    return nullptr;
  }
  for (int i = 0; i < 3; ++i) {
    PyMarshal_ReadLongFromFile(file);  // the rest of the header
  }
  Owned code(PyErr_Occurred() ? nullptr : PyMarshal_ReadLastObjectFromFile(file));
  if (code && !PyCode_Check(code.get())) {
    PyErr_SetString(PyExc_RuntimeError, "Bad code object in .pyc file");
    return nullptr;
  }
  return code ? PyEval_EvalCode(code.get(), globals, globals) : nullptr;
}

bool run_file(const std::string& path, PyObject* filename) {
  PyObject* globals = main_globals();
  if (globals == nullptr || PySys_Audit("cpython.run_file", "O", filename) < 0) {
    return false;
  }
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, filename);
    return false;
  }
  const bool compiled = is_compiled(file, path);
  if (!set_main_file(globals, filename, compiled ? "SourcelessFileLoader" : "SourceFileLoader")) {
    std::fclose(file);
    return false;
  }
  PyCompilerFlags flags{};
  flags.cf_feature_version = PY_MINOR_VERSION;
  Owned result;
  if (compiled) {
    result.reset(run_compiled(file, globals));
    std::fclose(file);
  } else {
    // Closes the file once it is parsed, before the body runs.
    result.reset(PyRun_FileExFlags(file, path.c_str(), Py_file_input, globals, globals, 1, &flags));
  }
  return result != nullptr;
}

bool run_standard_input() {
  PyObject* globals = main_globals();
  if (globals == nullptr || PySys_Audit("cpython.run_stdin", nullptr) < 0) {
    return false;
  }
  Owned empty(PyUnicode_FromString(""));
  if (!empty || (!is_path_safe() && !prepend_to_path(empty.get()))) {
    return false;
  }
  PyCompilerFlags flags{};
  flags.cf_feature_version = PY_MINOR_VERSION;
  Owned result(PyRun_FileExFlags(stdin, "<stdin>", Py_file_input, globals, globals, 0, &flags));
  return result != nullptr;
}

}  // namespace

void check_script(const std::string& path) {
  if (path == kStandardInput) {
    return;
  }
  struct stat status;
  // access, not open: opening a pipe (tonio run <(...)) would use it up.
  if (stat(path.c_str(), &status) == -1 || access(path.c_str(), R_OK) == -1) {
    const int error = errno;
    const bool suffix_forgotten = error == ENOENT && is_file(path + ".py");
    const std::string remedy = suffix_forgotten  ? "did you mean '" + path + ".py'?"
                               : error == EACCES ? "check its permissions and those of its folders"
                                                 : "check the path (usage: tonio --help)";
    throw StartError("can't open the script '" + path +
                     "': " + std::generic_category().message(error) + "; " + remedy);
  }
  if (S_ISDIR(status.st_mode) && !is_file(path + "/__main__.py") &&
      !is_file(path + "/__main__.pyc")) {
    // Python's exit code for it.
    throw StartError("'" + path + "' is a folder without a __main__.py; name the script in it", 1);
  }
}

std::string folder_of_script(const std::string& path) {
  if (path == kStandardInput) {
    return "";
  }
  char resolved[PATH_MAX];
  std::string full = realpath(path.c_str(), resolved) != nullptr ? resolved : absolute_path(path);
  return is_folder(full) ? full : parent_of(full);
}

bool run_script(const std::string& path) {
  if (path == kStandardInput) {
    return run_standard_input();
  }
  const std::string absolute = absolute_path(path);
  Owned filename(PyUnicode_DecodeFSDefault(absolute.c_str()));
  int importable = filename ? is_importable(filename.get()) : -1;
  if (importable == -1) {
    return false;
  }
  if (importable == 1) {
    return prepend_to_path(filename.get()) && run_main_module();
  }
  Owned folder(PyUnicode_DecodeFSDefault(folder_of_script(path).c_str()));
  return folder && (is_path_safe() || prepend_to_path(folder.get())) &&
         run_file(absolute, filename.get());
}

}  // namespace tonio::launcher
