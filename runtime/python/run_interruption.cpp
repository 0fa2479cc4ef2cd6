#include "python/run_interruption.h"

namespace tonio::python {

bool asks_for_end(PyObject* exception) {
  return PyErr_GivenExceptionMatches(exception, PyExc_SystemExit) ||
         PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt);
}

void report_lost(Ref exception) {
  PyErr_SetRaisedException(exception.release());
  PyErr_FormatUnraisable("Exception beside the one that ends the run or the program");
}

namespace {

// Also where the chain does not end.
bool has_in_chain(PyObject* exception, const PyObject* wanted) {
  constexpr int kLongest = 1000;
  Ref at = Ref::borrow(exception);
  for (int i = 0; at && i < kLongest; ++i) {
    if (at.get() == wanted) return true;
    at = Ref::steal(PyException_GetContext(at.get()));
  }
  return static_cast<bool>(at);
}

}  // namespace

bool set_context(PyObject* exception, PyObject* context) {
  if (has_in_chain(context, exception)) return false;
  PyException_SetContext(exception, Py_NewRef(context));
  return true;
}

void add_context(PyObject* exception, Ref context) {
  const Ref before = Ref::steal(PyException_GetContext(exception));
  if (before.get() == context.get()) return;
  if (before || !set_context(exception, context.get())) report_lost(std::move(context));
}

void Interruption::add(Ref raised) {
  if (!raised || raised.get() == exception.get()) return;
  if (!exception) {
    exception = std::move(raised);
  } else if (!asks_for_end(raised.get())) {
    report_lost(std::move(raised));
  } else if (!asks_for_end(exception.get())) {
    // Of a SystemExit nobody shows the context.
    if (PyErr_GivenExceptionMatches(raised.get(), PyExc_SystemExit)) {
      report_lost(std::move(exception));
    } else {
      add_context(raised.get(), std::move(exception));
    }
    exception = std::move(raised);
  }
}

}  // namespace tonio::python
