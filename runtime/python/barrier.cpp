#include "python/barrier.h"

#include <cstddef>
#include <new>

#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/entry.h"
#include "python/operation.h"
#include "sync/barrier.h"

namespace tonio::python {
namespace {

struct Barrier {
  PyObject_HEAD PyObject* weak_references;
  sync::Barrier barrier;
};

struct BarrierWait {
  Operation base;
  Barrier* barrier;  // owned
};

PyTypeObject barrier_type = empty_type();
PyTypeObject barrier_wait_type = empty_type();

Barrier* as_barrier(PyObject* self) { return reinterpret_cast<Barrier*>(self); }
BarrierWait* as_wait(PyObject* self) { return reinterpret_cast<BarrierWait*>(self); }

Poll passed(CoroTask& task, PyObject*& result) {
  result = PyLong_FromSize_t(sync::Barrier::index_of(task.waiter()));
  return result ? Poll::kReady : Poll::kError;
}

Poll wait_start(PyObject* object, CoroTask& task, PyObject*& result) {
  // Before the arrival: a task that is cancelled here has not arrived.
  if (!task.state().begin_arming()) return raise_cancelled(task);
  if (as_wait(object)->barrier->barrier.wait(task.waiter())) return Poll::kPending;
  (void)task.state().cancel_arming();
  return passed(task, result);
}

// The arrival stays.
void wait_abandon(PyObject* object, CoroTask& task, bool) {
  as_wait(object)->barrier->barrier.cancel_wait(task.waiter());
}

Poll wait_resume(PyObject* object, CoroTask& task, PyObject*& result) {
  if (task.state().reason() == task::WakeReason::kCompleted) return passed(task, result);
  wait_abandon(object, task, true);
  return raise_cancelled(task);
}

constexpr OperationKind kWaitKind{wait_start, wait_resume, wait_abandon, false, true};

int wait_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_wait(self)->barrier);
  return 0;
}

void wait_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_wait(self)->barrier);
  PyObject_GC_Del(self);
}

PyObject* barrier_wait(PyObject* barrier, PyObject*) {
  BarrierWait* self = PyObject_GC_New(BarrierWait, &barrier_wait_type);
  if (!self) return nullptr;
  self->base.kind = &kWaitKind;
  self->barrier = as_barrier(Py_NewRef(barrier));
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* barrier_ack(PyObject* self, PyObject*) {
  return PyLong_FromSize_t(as_barrier(self)->barrier.arrive());
}

PyObject* barrier_value(PyObject* self, PyObject*) {
  return PyLong_FromSize_t(as_barrier(self)->barrier.value());
}

PyObject* barrier_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  const auto parties = parse_only_count(args, keywords, "Barrier");
  PyObject* self = parties ? type->tp_alloc(type, 0) : nullptr;
  if (self) new (&as_barrier(self)->barrier) sync::Barrier(*parties);
  return self;
}

void barrier_dealloc(PyObject* self) {
  if (as_barrier(self)->weak_references) PyObject_ClearWeakRefs(self);
  // Nobody waits: a waiting task holds its operation, and that the barrier.
  as_barrier(self)->barrier.~Barrier();
  Py_TYPE(self)->tp_free(self);
}

PyMethodDef barrier_methods[] = {
    {"wait", as_cfunction<barrier_wait>(), METH_NOARGS,
     PyDoc_STR("wait($self, /)\n--\n\n"
               "Arrives and suspends until n have arrived. Gives the number of arrivals before "
               "this one, an int from 0. An arrival counts, also when the wait is cancelled.")},
    {"ack", as_cfunction<barrier_ack>(), METH_NOARGS,
     PyDoc_STR("ack($self, /)\n--\n\n"
               "Arrives without waiting. Gives the number of arrivals before this one, an int "
               "from 0.")},
    {"value", as_cfunction<barrier_value>(), METH_NOARGS,
     PyDoc_STR("value($self, /)\n--\n\nHow many have arrived so far.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_barrier(PyObject* module) {
  barrier_type.tp_name = "tonio.sync.Barrier";
  barrier_type.tp_doc = PyDoc_STR(
      "Barrier(n)\n--\n\n"
      "Lets nobody pass until n (an int, at least 1) have arrived. It serves once: later "
      "arrivals pass at once, and are counted on.");
  barrier_type.tp_basicsize = sizeof(Barrier);
  barrier_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
  barrier_type.tp_new = entry<barrier_new>;
  barrier_type.tp_dealloc = barrier_dealloc;
  barrier_type.tp_methods = barrier_methods;
  barrier_type.tp_weaklistoffset = offsetof(Barrier, weak_references);

  barrier_wait_type.tp_name = "tonio.sync.BarrierWait";
  barrier_wait_type.tp_basicsize = sizeof(BarrierWait);
  barrier_wait_type.tp_flags = Py_TPFLAGS_HAVE_GC;
  barrier_wait_type.tp_traverse = wait_traverse;
  barrier_wait_type.tp_dealloc = wait_dealloc;

  return ready_operation_type(barrier_wait_type) && PyModule_AddType(module, &barrier_type) == 0;
}

}  // namespace tonio::python
