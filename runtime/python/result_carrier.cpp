#include "python/result_carrier.h"

#include <utility>

namespace tonio::python {
namespace {

// What is kept a little longer than its program would.
constexpr Py_ssize_t kMostBytes = Py_ssize_t{64} * 1024;

bool is_carried(PyObject* result) {
  return PyLong_CheckExact(result) || PyBool_Check(result) ||
         (PyBytes_CheckExact(result) && PyBytes_GET_SIZE(result) <= kMostBytes);
}

// Without __init__: the tuple of arguments that it makes is nobody's concern.
PyStopIterationObject* make_stop() {
  auto* type = reinterpret_cast<PyTypeObject*>(PyExc_StopIteration);
  const Ref no_arguments = Ref::steal(PyTuple_New(0));
  return reinterpret_cast<PyStopIterationObject*>(type->tp_new(type, no_arguments.get(), nullptr));
}

PyObject* as_object(PyStopIterationObject* stop) { return reinterpret_cast<PyObject*>(stop); }

}  // namespace

// Not where somebody else has it, or had it: who drives an operation by hand may catch it.
bool ResultCarrier::reusable() const {
  return stop_ && Py_REFCNT(as_object(stop_)) == 1 && !stop_->dict && !stop_->traceback &&
         !stop_->context && !stop_->cause && !stop_->notes && PyTuple_GET_SIZE(stop_->args) == 0;
}

void ResultCarrier::raise(PyObject* result) {
  if (result == Py_None) return;
  if (!is_carried(result)) {
    PyStopIterationObject* stop = make_stop();
    if (!stop) return Py_DECREF(result);
    stop->value = result;
    return PyErr_SetRaisedException(as_object(stop));
  }
  if (!reusable()) {
    drop();
    stop_ = make_stop();
    if (!stop_) return Py_DECREF(result);
  }
  Py_XSETREF(stop_->value, result);
  carries_ = true;
  PyErr_SetRaisedException(Py_NewRef(as_object(stop_)));
}

void ResultCarrier::forget_result() {
  carries_ = false;
  if (reusable()) {
    Py_CLEAR(stop_->value);
  } else {
    drop();
  }
}

void ResultCarrier::drop() {
  carries_ = false;
  Py_XDECREF(as_object(std::exchange(stop_, nullptr)));
}

}  // namespace tonio::python
