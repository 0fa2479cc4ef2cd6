#include "python_config.h"

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "environment.h"
#include "process.h"
#include "start_error.h"

#ifndef Py_GIL_DISABLED
#error "tonio embeds free-threaded CPython only: configure with the headers of python3.Nt"
#endif

namespace tonio::launcher {

namespace {

// PyConfig.enable_gil: as -X gil=0. A -X gil or PYTHON_GIL of the user's comes
// later and wins. The default would turn the GIL on for the whole process as
// soon as some extension module doesn't declare that it can do without.
constexpr int kGilOff = 0;

// The headers were free-threaded, but the dynamic linker may have found another
// libpython. To be asked before anything of it is used.
void check_library() {
  const char* version = Py_GetVersion();
  if (std::strstr(version, "free-threading") == nullptr) {
    throw StartError("the libpython that was loaded (" +
                         std::string(version, std::strcspn(version, " ")) +
                         ") has the GIL, and tonio needs the free-threaded one "
                         "it was built with; check LD_LIBRARY_PATH "
                         "and LD_PRELOAD",
                     1);
  }
  if ((Py_Version >> 16) != (PY_VERSION_HEX >> 16)) {
    throw StartError(
        "the libpython that was loaded is " + std::string(version, std::strcspn(version, " ")) +
            ", and tonio was built with " PY_VERSION "; check LD_LIBRARY_PATH and LD_PRELOAD",
        1);
  }
}

bool has_stdlib(const std::string& prefix) {
  return is_file(prefix + "/lib/" + kStdlibFolder + "/os.py");
}

// A bundle's own Python (../lib beside bin/) before the one that tonio was
// built with. Not searched upwards as CPython does: /usr/local/lib may hold
// another build.
std::string python_prefix(const std::string& executable) {
  std::string bundle = parent_of(parent_of(executable));
  if (has_stdlib(bundle)) {
    return bundle;
  }
  if (!has_stdlib(TONIO_PYTHON_PREFIX) && read_variable("PYTHONHOME").empty()) {
    throw StartError("Python's standard library is not in " TONIO_PYTHON_PREFIX "/lib/" +
                         std::string(kStdlibFolder) +
                         " any more; build tonio again, or set PYTHONHOME",
                     1);
  }
  return TONIO_PYTHON_PREFIX;
}

void require(const PyStatus& status) {
  if (PyStatus_Exception(status)) {
    Py_ExitStatusException(status);  // also for an exit that was asked for, as by -V
  }
}

class Config {
 public:
  Config() { PyConfig_InitPythonConfig(&config_); }
  ~Config() { PyConfig_Clear(&config_); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  PyConfig* operator->() { return &config_; }

  void set(wchar_t** field, const std::string& text) {
    require(PyConfig_SetBytesString(&config_, field, text.c_str()));
  }

  void set(PyWideStringList* list, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      wchar_t* wide = Py_DecodeLocale(text.c_str(), nullptr);
      if (wide == nullptr) {
        throw StartError("out of memory", 1);
      }
      PyStatus status = PyWideStringList_Append(list, wide);
      PyMem_RawFree(wide);
      require(status);
    }
  }

  // Python's own parsing of `argv`.
  void parse(const std::vector<std::string>& argv) {
    std::vector<char*> pointers;
    pointers.reserve(argv.size());
    for (const std::string& token : argv) {
      pointers.push_back(const_cast<char*>(token.c_str()));
    }
    require(
        PyConfig_SetBytesArgv(&config_, static_cast<Py_ssize_t>(pointers.size()), pointers.data()));
  }

  void set_paths(const InterpreterOptions& options) {
    set_prefix(options.executable);
    set(&config_.base_executable, options.executable);
    // site makes sys.prefix and the site-packages of a virtual environment from
    // the place of sys.executable, so during initialisation that is inside it.
    set(&config_.executable,
        options.venv.empty() ? options.executable : options.venv + "/bin/python");
    config_.enable_gil = kGilOff;
  }

  void set_prefix(const std::string& executable) {
    const std::string prefix = python_prefix(executable);
    set(&config_.prefix, prefix);
    set(&config_.exec_prefix, prefix);
  }

  void initialize() {
    // Ctrl-C while Python starts would be a fatal error of its import of site, with exit
    // code 1. It waits until Python can raise it.
    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    const PyStatus status = Py_InitializeFromConfig(&config_);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    require(status);
  }

 private:
  PyConfig config_;
};

void set_sys_executable(const std::string& executable) {
  PyObject* path = PyUnicode_DecodeFSDefault(executable.c_str());
  if (path == nullptr || PySys_SetObject("executable", path) < 0) {
    PyErr_Clear();  // out of memory: the environment's python stays
  }
  Py_XDECREF(path);
}

bool is_this_executable(const std::string& path, const std::string& executable) {
  char* resolved = path.empty() ? nullptr : realpath(path.c_str(), nullptr);
  bool same = resolved != nullptr && executable == resolved;
  std::free(resolved);
  return same;
}

}  // namespace

void initialize_for_script(const InterpreterOptions& options,
                           const std::vector<std::string>& script_argv) {
  check_library();
  PyPreConfig preconfig;
  PyPreConfig_InitPythonConfig(&preconfig);
  preconfig.parse_argv = 0;
  require(Py_PreInitialize(&preconfig));  // decides how bytes are decoded below
  Config config;
  config->parse_argv = 0;
  config.set(&config->orig_argv, options.argv);
  config.set(&config->argv, script_argv);
  config.set_paths(options);
  config.initialize();
  set_sys_executable(options.executable);
}

void initialize_as_python(const InterpreterOptions& options) {
  check_library();
  Config config;
  config.parse(options.argv);
  config.set_paths(options);
  config.initialize();
  set_sys_executable(options.executable);
}

void initialize_exactly_python(const std::vector<std::string>& argv) {
  check_library();
  const std::string executable = executable_path();
  Config config;
  config.parse(argv);
  config.set_prefix(executable);
  // A name that leads elsewhere (`exec -a python3 tonio`) would make another
  // program sys.executable.
  if (!is_this_executable(find_program(argv[0]), executable)) {
    config.set(&config->executable, executable);
  }
  config.initialize();
}

bool gil_is_off() {
  // sys.flags.gil: 0 or 1 when it was set, None when it is automatic.
  PyObject* flags = PySys_GetObject("flags");  // borrowed
  PyObject* gil = flags == nullptr ? nullptr : PyObject_GetAttrString(flags, "gil");
  bool off = gil == nullptr || PyObject_IsTrue(gil) != 1;
  Py_XDECREF(gil);
  PyErr_Clear();
  return off;
}

}  // namespace tonio::launcher
