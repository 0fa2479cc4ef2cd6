#include "python/pending_work.h"

#include <atomic>
#include <cstdint>

// The bit that asks a thread to take over such reference counts.
#define Py_BUILD_CORE 1
extern "C" {
#include "internal/pycore_ceval.h"
}
#undef Py_BUILD_CORE

namespace tonio::python {
namespace {

// A Python function that does nothing; owned, made before the first thread
// starts.
PyObject* nothing = nullptr;

}  // namespace

bool has_pending_work(PyThreadState* thread) {
  const std::atomic_ref<std::uintptr_t> breaker(thread->eval_breaker);
  return breaker.load(std::memory_order_relaxed) & _PY_EVAL_EXPLICIT_MERGE_BIT;
}

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
