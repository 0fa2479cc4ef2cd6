#include "python/pending_work.h"

namespace tonio::python {
namespace {

// A Python function that does nothing; owned, made before the first thread starts.
PyObject* nothing = nullptr;

}  // namespace

void run_pending_work() {
  PyObject* pending = PyErr_GetRaisedException();
  PyObject* result = PyObject_CallNoArgs(nothing);
  if (!result) PyErr_WriteUnraisable(nothing);
  Py_XDECREF(result);
  PyErr_SetRaisedException(pending);
}

bool init_pending_work() {
  Ref globals = Ref::steal(PyDict_New());
  if (!globals) return false;
  nothing = PyRun_String("lambda: None", Py_eval_input, globals.get(), globals.get());
  return nothing != nullptr;
}

}  // namespace tonio::python
