#include "python/manual_clock.h"

#include "base/clock.h"
#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/host.h"
#include "python/operation.h"

namespace tonio::python {
namespace {

core::ReactorDriver& driver() { return Host::instance().runtime().driver(); }
reactor::Reactor& reactor() { return Host::instance().reactor(); }

Poll rest_start(PyObject*, CoroTask& task, PyObject*&) {
  if (!task.state().begin_arming()) return raise_cancelled(task);
  (void)driver().at_rest().wait(task.waiter());  // it is never set
  driver().begin_wait_for_rest();
  return Poll::kPending;
}

void rest_abandon(PyObject*, CoroTask& task, bool) {
  driver().at_rest().cancel_wait(task.waiter());
  driver().end_wait_for_rest();
}

Poll rest_resume(PyObject* self, CoroTask& task, PyObject*& result) {
  const task::WakeReason reason = task.state().reason();
  rest_abandon(self, task, true);
  return reason == task::WakeReason::kCompleted ? ready_none(result) : raise_cancelled(task);
}

constexpr OperationKind kRestKind{rest_start, rest_resume, rest_abandon};

PyTypeObject rest_type = empty_type();

// It holds nothing, so one is enough for all.
Operation rest{PyObject_HEAD_INIT(&rest_type) & kRestKind};

PyObject* wait_for_rest(PyObject*, PyObject*) {
  return Py_NewRef(reinterpret_cast<PyObject*>(&rest));
}

PyObject* freeze_clock(PyObject*, PyObject*) {
  reactor().freeze_clock();
  Py_RETURN_NONE;
}

PyObject* let_clock_go_on(PyObject*, PyObject*) {
  reactor().let_clock_go_on();
  Py_RETURN_NONE;
}

PyObject* move_clock(PyObject*, PyObject* when) {
  const long long microseconds = PyLong_AsLongLong(when);
  if (microseconds == -1 && PyErr_Occurred()) return nullptr;
  if (!reactor().clock().frozen()) {
    PyErr_SetString(PyExc_RuntimeError, "only a clock that stands still can be moved");
    return nullptr;
  }
  reactor().move_clock(microseconds);
  Py_RETURN_NONE;
}

PyObject* clock_now(PyObject*, PyObject*) { return PyLong_FromLongLong(reactor().clock().now()); }

PyObject* clock_is_frozen(PyObject*, PyObject*) {
  return PyBool_FromLong(reactor().clock().frozen());
}

PyObject* first_deadline(PyObject*, PyObject*) {
  const base::Instant first = reactor().first_deadline();
  if (first == base::kNever) Py_RETURN_NONE;
  return PyLong_FromLongLong(first);
}

PyObject* jump_clock_after(PyObject*, PyObject* pause) {
  base::Instant after = base::kNever;
  if (pause != Py_None) {
    after = PyLong_AsLongLong(pause);
    if (after == -1 && PyErr_Occurred()) return nullptr;
  }
  driver().jump_after(after);
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"wait_for_rest", as_cfunction<wait_for_rest>(), METH_NOARGS,
     PyDoc_STR("wait_for_rest($module, /)\n--\n\n"
               "Suspends until every task is suspended, or waits for this too, nothing is ready "
               "and no blocking call runs.")},
    {"freeze_clock", as_cfunction<freeze_clock>(), METH_NOARGS,
     PyDoc_STR("freeze_clock($module, /)\n--\n\nThe runtime's clock stands still from now on.")},
    {"let_clock_go_on", as_cfunction<let_clock_go_on>(), METH_NOARGS,
     PyDoc_STR("let_clock_go_on($module, /)\n--\n\nIt goes on from where it stands.")},
    {"move_clock", as_cfunction<move_clock>(), METH_O,
     PyDoc_STR("move_clock($module, when, /)\n--\n\n"
               "Moves the frozen clock forward to `when`, in microseconds; timers that are due "
               "fire.")},
    {"clock_now", as_cfunction<clock_now>(), METH_NOARGS,
     PyDoc_STR("clock_now($module, /)\n--\n\nThe runtime's clock in microseconds.")},
    {"clock_is_frozen", as_cfunction<clock_is_frozen>(), METH_NOARGS,
     PyDoc_STR("clock_is_frozen($module, /)\n--\n\nWhether it stands still.")},
    {"first_deadline", as_cfunction<first_deadline>(), METH_NOARGS,
     PyDoc_STR("first_deadline($module, /)\n--\n\n"
               "The earliest deadline of all timers, in microseconds, or None.")},
    {"jump_clock_after", as_cfunction<jump_clock_after>(), METH_O,
     PyDoc_STR("jump_clock_after($module, pause, /)\n--\n\n"
               "Has the frozen clock move to the next deadline whenever everything has been at "
               "rest for `pause` microseconds of real time; None: never.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_manual_clock(PyObject* module) {
  rest_type.tp_name = "tonio.Rest";
  rest_type.tp_basicsize = sizeof(Operation);
  return ready_operation_type(rest_type) && PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tonio::python
