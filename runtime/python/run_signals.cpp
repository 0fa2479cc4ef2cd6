#include "python/run_signals.h"

#include <pthread.h>

#include <csignal>
#include <cstring>

#include "python/entry.h"

namespace tonio::python {
namespace {

// No signal interrupts the calling thread while one of these lives; what comes
// waits in the kernel for the handlers that are there afterwards.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t previous_;
};

Ref joined(const std::optional<std::vector<int>>& given, PyObject* asked) {
  Ref numbers = Ref::steal(PyList_New(0));
  if (!numbers) return numbers;
  for (const int number : given.value_or(std::vector<int>())) {
    Ref item = Ref::steal(PyLong_FromLong(number));
    if (!item || PyList_Append(numbers.get(), item.get()) != 0) return Ref();
  }
  if (asked && PyList_Extend(numbers.get(), asked) != 0) return Ref();
  return numbers;
}

PyObject* signal_disposition(PyObject*, PyObject* number) {
  const int signal = PyLong_AsInt(number);
  if (signal == -1 && PyErr_Occurred()) return nullptr;
  struct sigaction action {};
  if (::sigaction(signal, nullptr, &action) != 0) return PyErr_SetFromErrno(PyExc_OSError);
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(&action), sizeof action);
}

PyObject* set_signal_disposition(PyObject*, PyObject* args) {
  int signal = 0;
  const char* bytes = nullptr;
  Py_ssize_t size = 0;
  if (!PyArg_ParseTuple(args, "iy#", &signal, &bytes, &size)) return nullptr;
  struct sigaction action {};
  if (size != sizeof action) {
    PyErr_SetString(PyExc_ValueError, "not what signal_disposition() gave");
    return nullptr;
  }
  std::memcpy(&action, bytes, sizeof action);
  if (::sigaction(signal, &action, nullptr) != 0) return PyErr_SetFromErrno(PyExc_OSError);
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"signal_disposition", as_cfunction<signal_disposition>(), METH_O,
     PyDoc_STR("signal_disposition($module, number, /)\n--\n\n"
               "What the process does on that signal, for "
               "set_signal_disposition().")},
    {"set_signal_disposition", as_cfunction<set_signal_disposition>(), METH_VARARGS,
     PyDoc_STR("set_signal_disposition($module, number, disposition, /)\n--\n\n"
               "Puts it back; Python's own record of handlers stays as it is.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

RunSignals::~RunSignals() {
  if (!module_) return;
  PyObject* pending = PyErr_GetRaisedException();
  if (!remove()) PyErr_WriteUnraisable(nullptr);
  PyErr_SetRaisedException(pending);
}

bool RunSignals::install(const std::optional<std::vector<int>>& given, PyObject* asked) {
  Ref numbers = joined(given, asked);
  if (!numbers) return false;
  if (PyList_GET_SIZE(numbers.get()) == 0) return true;
  Ref module = Ref::steal(PyImport_ImportModule("tonio._signals"));
  if (!module) return false;
  Ref dispatch = Ref::steal(PyObject_GetAttrString(module.get(), "dispatch"));
  if (!dispatch) return false;
  const BlockedSignals blocked;
  Ref done = Ref::steal(PyObject_CallMethod(module.get(), "install", "O", numbers.get()));
  if (!done) return false;
  module_ = std::move(module);
  watch_.hand_to(std::move(dispatch));
  return true;
}

bool RunSignals::remove() {
  if (!module_) return true;
  const Ref module = std::move(module_);
  Ref raised;
  const auto keep_first = [&] {
    Ref exception = Ref::steal(PyErr_GetRaisedException());
    if (!raised) raised = std::move(exception);
  };
  std::string came;
  {
    const BlockedSignals blocked;
    if (PyErr_CheckSignals() != 0) keep_first();
    came = watch_.take();
    // A signal that another thread of the program took may raise in between.
    constexpr int kTries = 10;
    for (int i = 0; i < kTries; ++i) {
      if (Ref::steal(PyObject_CallMethod(module.get(), "put_back", nullptr))) break;
      keep_first();
    }
  }
  // What was there before is called with signals coming in, as ever.
  if (!watch_.dispatch(came)) keep_first();
  watch_.hand_to(Ref());
  if (!Ref::steal(PyObject_CallMethod(module.get(), "forget", nullptr))) keep_first();
  if (!raised) return true;
  PyErr_SetRaisedException(raised.release());
  return false;
}

bool init_run_signals(PyObject* module) { return PyModule_AddFunctions(module, functions) == 0; }

}  // namespace tonio::python
