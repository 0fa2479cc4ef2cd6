#include "python/time.h"

#include "base/clock.h"
#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/entry.h"
#include "python/host.h"
#include "python/operation.h"

namespace tonio::python {
namespace {

Poll give_way_start(PyObject*, CoroTask&, PyObject*&) { return Poll::kGiveWay; }

Poll give_way_resume(PyObject*, CoroTask& task, PyObject*& result) {
  if (task.state().cancel_requested()) return raise_cancelled(task);
  return ready_none(result);
}

void give_way_abandon(PyObject*, CoroTask&, bool) {}

constexpr OperationKind kGiveWayKind{give_way_start, give_way_resume, give_way_abandon};

PyTypeObject give_way_type = empty_type();

// It holds nothing, so one is enough for all.
Operation give_way{PyObject_HEAD_INIT(&give_way_type) & kGiveWayKind};

struct Sleep {
  Operation base;
  double seconds;
};

Poll sleep_start(PyObject* self, CoroTask& task, PyObject*&) {
  const double seconds = reinterpret_cast<Sleep*>(self)->seconds;
  if (seconds == 0) return Poll::kGiveWay;
  if (!task.state().begin_arming()) return raise_cancelled(task);
  Host::instance().reactor().add_timer_after(task, seconds);
  return Poll::kPending;
}

void sleep_abandon(PyObject*, CoroTask& task, bool) {
  Host::instance().reactor().remove_timer(task);
}

Poll sleep_resume(PyObject* self, CoroTask& task, PyObject*& result) {
  if (reinterpret_cast<Sleep*>(self)->seconds == 0) return give_way_resume(self, task, result);
  if (task.state().reason() == task::WakeReason::kTimedOut) return ready_none(result);
  sleep_abandon(self, task, true);
  return raise_cancelled(task);
}

constexpr OperationKind kSleepKind{sleep_start, sleep_resume, sleep_abandon, false, true};

PyTypeObject sleep_type = empty_type();

PyObject* sleep(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  if (named > 0 && !PyUnicode_EqualToUTF8(PyTuple_GET_ITEM(keywords, 0), "seconds")) {
    PyErr_Format(PyExc_TypeError, "tonio.sleep() got an unexpected keyword argument %R",
                 PyTuple_GET_ITEM(keywords, 0));
    return nullptr;
  }
  if (nargs + named != 1) {
    PyErr_Format(PyExc_TypeError, "tonio.sleep() takes one argument, seconds, got %zd",
                 nargs + named);
    return nullptr;
  }
  const auto seconds = parse_seconds(args[0], "tonio.sleep(): seconds");
  if (!seconds) return nullptr;
  Sleep* self = PyObject_New(Sleep, &sleep_type);
  if (!self) return nullptr;
  self->base.kind = &kSleepKind;
  self->seconds = *seconds;
  return reinterpret_cast<PyObject*>(self);
}

PyObject* yield_now(PyObject*, PyObject*) {
  return Py_NewRef(reinterpret_cast<PyObject*>(&give_way));
}

PyObject* time_now(PyObject*, PyObject*) {
  return PyFloat_FromDouble(static_cast<double>(Host::instance().reactor().clock().now()) * 1e-6);
}

PyMethodDef functions[] = {
    {"sleep", as_cfunction<sleep>(), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("sleep($module, /, seconds)\n--\n\n"
               "Suspends the task for that long; 0 gives way once. Microsecond resolution.")},
    {"yield_now", as_cfunction<yield_now>(), METH_NOARGS,
     PyDoc_STR("yield_now($module, /)\n--\n\nLets the other tasks run once.")},
    {"time", as_cfunction<time_now>(), METH_NOARGS,
     PyDoc_STR("time($module, /)\n--\n\n"
               "The runtime's clock in seconds: monotonic, microsecond resolution.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_time(PyObject* module) {
  give_way_type.tp_name = "tonio.YieldNow";
  give_way_type.tp_basicsize = sizeof(Operation);
  sleep_type.tp_name = "tonio.Sleep";
  sleep_type.tp_basicsize = sizeof(Sleep);
  sleep_type.tp_dealloc = [](PyObject* self) { PyObject_Free(self); };
  return ready_operation_type(give_way_type) && ready_operation_type(sleep_type) &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tonio::python
