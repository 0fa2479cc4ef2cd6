#include "python/interruption.h"

#include "python/errors.h"

namespace tonio::python {
namespace {

PyObject* type = nullptr;  // a subclass of CancelledError of the same layout

constinit thread_local Interruptible* interruptible = nullptr;

bool runs_here(const PyFrameObject* frame) {
  Ref running = Ref::borrow(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  while (running) {
    auto* at = reinterpret_cast<PyFrameObject*>(running.get());
    if (at == frame) return true;
    running = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(at)));
  }
  return false;
}

// Of whoever catches it the frame runs, mostly: where it was kept until that has ended, it comes a
// second time.
void finalize(PyObject* self) {
  if (!interruptible) return;
  PyObject* pending = PyErr_GetRaisedException();
  Ref traceback = Ref::steal(PyException_GetTraceback(self));
  if (traceback) {
    const auto* outermost = reinterpret_cast<PyTracebackObject*>(traceback.get());
    if (!runs_here(outermost->tb_frame)) interruptible->interruption_lost();
  }
  PyErr_SetRaisedException(pending);
}

// CPython makes the instance where it raises it.
PyObject* make(PyTypeObject* subtype, PyObject* args, PyObject* keywords) {
  if (interruptible) interruptible->interruption_raised();
  return reinterpret_cast<PyTypeObject*>(cancelled_error)->tp_new(subtype, args, keywords);
}

}  // namespace

Interruptible::Interruptible() { interruptible = this; }
Interruptible::~Interruptible() { interruptible = nullptr; }

void interrupt(unsigned long thread) { PyThreadState_SetAsyncExc(thread, type); }

void end_interruption(PyObject* exception) {
  if (Py_TYPE(exception) != reinterpret_cast<PyTypeObject*>(type)) return;
  if (PyObject_SetAttrString(exception, "__class__", cancelled_error) != 0) {
    PyErr_WriteUnraisable(exception);
  }
}

bool init_interruption() {
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(make)}, {0, nullptr}};
  PyType_Spec spec{"tonio.exceptions.CancelledError", 0, 0, Py_TPFLAGS_DEFAULT, slots};
  type = PyType_FromSpecWithBases(&spec, cancelled_error);
  // Not as a slot, which would give the class a __del__.
  if (type) reinterpret_cast<PyTypeObject*>(type)->tp_finalize = finalize;
  return type != nullptr;
}

}  // namespace tonio::python
