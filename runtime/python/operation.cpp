#include "python/operation.h"

#include "python/coro_task.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/host.h"
#include "python/names.h"
#include "python/thread_context.h"

namespace tonio::python {
namespace {

// A StopIteration that an operation raises (a blocking call's own, say) must not be
// taken for its result: it becomes the cause of a RuntimeError, as where one leaves a
// generator (PEP 479).
void replace_stop_iteration(PyObject* operation) {
  PyObject* stop = PyErr_GetRaisedException();
  PyErr_Format(PyExc_RuntimeError, "%T raised StopIteration", operation);
  PyObject* error = PyErr_GetRaisedException();
  PyException_SetCause(error, Py_NewRef(stop));
  PyException_SetContext(error, stop);
  PyErr_SetRaisedException(error);
}

// Gives the exception that is set the one which the coroutine is handling as its context,
// as `raise` does, and throw() where an operation was yielded.
void chain_to_handled() {
  Ref error = Ref::steal(PyErr_GetRaisedException());
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
}

PyObject* operation_send(PyObject* self, PyObject* value) {
  if (value != Py_None) {
    PyErr_Format(PyExc_TypeError, "%T takes no value", self);
    return nullptr;
  }
  PyObject* yielded = operation_next(self);
  if (!yielded && !PyErr_Occurred()) PyErr_SetNone(PyExc_StopIteration);
  return yielded;
}

// An operation that waits has nothing to run, so what is thrown in comes out.
PyObject* operation_throw(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count < 1) {
    PyErr_SetString(PyExc_TypeError, "throw() takes an exception");
    return nullptr;
  }
  PyObject* exception = args[0];
  if (PyExceptionInstance_Check(exception)) {
    PyErr_SetRaisedException(Py_NewRef(exception));
  } else if (PyExceptionClass_Check(exception)) {
    PyErr_SetObject(exception, count > 1 ? args[1] : Py_None);
  } else {
    PyErr_Format(PyExc_TypeError, "throw() takes an exception, not %T", exception);
  }
  return nullptr;
}

PyObject* operation_close(PyObject*, PyObject*) { Py_RETURN_NONE; }

PyMethodDef methods[] = {
    {"send", as_cfunction<operation_send>(), METH_O, nullptr},
    {"throw", as_cfunction<operation_throw>(), METH_FASTCALL, nullptr},
    {"close", as_cfunction<operation_close>(), METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyAsyncMethods async_methods = {
    .am_await = PyObject_SelfIter, .am_aiter = nullptr, .am_anext = nullptr, .am_send = nullptr};

}  // namespace

CoroTask* task_that_awaits(PyObject* awaitable) {
  CoroTask* task = this_thread ? this_thread->current : nullptr;
  if (!task) {
    PyErr_Format(PyExc_RuntimeError,
                 "%T can be awaited in a task of tonio's runtime only: run the coroutine with "
                 "tonio.run() or tonio.block_on()",
                 awaitable);
  }
  return task;
}

PyObject* operation_next(PyObject* self) {
  CoroTask* task = task_that_awaits(self);
  if (!task) return nullptr;
  if (this_thread->awaiting == self) {
    // It has suspended the task, which did not go back to the worker: list(operation) or a
    // `for` loop, which would never end.
    task->abandon_operation();
    PyErr_Format(PyExc_RuntimeError,
                 "%T was driven again before it had suspended its task: wait for it with `await`, "
                 "`yield` or `yield from`",
                 self);
    return nullptr;
  }
  this_thread->results.forget();
  PyObject* result = nullptr;
  switch (task->drive_awaited(self, result)) {
    case Poll::kReady:
      this_thread->results.raise(result);
      break;
    case Poll::kPending:
    case Poll::kGiveWay:
      this_thread->awaiting = self;
      return Py_NewRef(self);
    case Poll::kError:
      if (PyErr_ExceptionMatches(PyExc_StopIteration)) replace_stop_iteration(self);
      chain_to_handled();
      break;
  }
  return nullptr;
}

bool ready_operation_type(PyTypeObject& type) {
  type.tp_flags |= Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  type.tp_as_async = &async_methods;
  type.tp_iter = PyObject_SelfIter;
  type.tp_iternext = operation_next;
  type.tp_methods = methods;
  return PyType_Ready(&type) == 0;
}

Poll begin_operation(PyObject* operation, CoroTask& task, PyObject*& result, bool& started) {
  started = true;
  Host& host = Host::instance();
  if (host.forked()) {
    (void)host.check_running();
    return Poll::kError;
  }
  const OperationKind& kind = *reinterpret_cast<Operation*>(operation)->kind;
  if (task.state().cancel_requested()) {
    return kind.starts_cancelled ? kind.start(operation, task, result) : raise_cancelled(task);
  }
  ThreadContext& thread = *this_thread;
  if (thread.budget == 0) {
    started = false;
    return Poll::kGiveWay;
  }
  --thread.budget;
  return kind.start(operation, task, result);
}

Poll raise_cancelled(CoroTask& task) {
  const std::uint64_t target = task.deliver_cancel();
  task.cancel_left_scopes(target);
  Ref exception = Ref::steal(PyObject_CallNoArgs(cancelled_error));
  if (exception && set_cancellation_target(exception.get(), target)) {
    PyErr_SetRaisedException(exception.release());
  }
  return Poll::kError;
}

Poll raise_outcome(CoroTask& task, bool ended_with_run) {
  if (!PyErr_ExceptionMatches(cancelled_error)) return Poll::kError;
  if (ended_with_run) (void)task.end_with_run();
  if (!task.state().cancel_requested()) return Poll::kError;
  PyErr_Clear();
  return raise_cancelled(task);
}

bool set_cancellation_target(PyObject* exception, std::uint64_t scope) {
  Ref id = Ref::steal(PyLong_FromUnsignedLongLong(scope));
  return id && PyObject_SetAttr(exception, names::scope_id, id.get()) == 0;
}

std::optional<std::uint64_t> cancellation_target(PyObject* exception) {
  PyObject* pending = PyErr_GetRaisedException();
  PyObject* found = nullptr;
  std::optional<std::uint64_t> id;
  if (PyObject_GetOptionalAttr(exception, names::scope_id, &found) > 0) {
    id = PyLong_AsUnsignedLongLong(found);
    if (PyErr_Occurred()) id.reset();
    Py_DECREF(found);
  }
  PyErr_Clear();
  PyErr_SetRaisedException(pending);
  return id;
}

}  // namespace tonio::python
