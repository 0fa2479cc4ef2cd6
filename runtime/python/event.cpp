#include "python/event.h"

#include <cstddef>
#include <new>
#include <string>

#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/entry.h"
#include "python/host.h"
#include "python/operation.h"
#include "sync/event.h"

namespace tonio::python {
namespace {

struct Event {
  PyObject_HEAD PyObject* weak_references;
  sync::Event event;
};

struct EventWait {
  Operation base;
  Event* event;    // owned
  double timeout;  // seconds; negative: none
};

PyTypeObject event_type = empty_type();
PyTypeObject event_wait_type = empty_type();

Event* as_event(PyObject* self) { return reinterpret_cast<Event*>(self); }
EventWait* as_wait(PyObject* self) { return reinterpret_cast<EventWait*>(self); }

Poll wait_start(PyObject* object, CoroTask& task, PyObject*& result) {
  EventWait* self = as_wait(object);
  sync::Event& event = self->event->event;
  if (event.is_set()) return ready_none(result);
  if (!task.state().begin_arming()) return raise_cancelled(task);
  if (!event.wait(task.waiter())) {
    (void)task.state().cancel_arming();
    return ready_none(result);
  }
  if (self->timeout >= 0) {
    Host::instance().reactor().add_timer_after(task, self->timeout);
  }
  return Poll::kPending;
}

void wait_abandon(PyObject* object, CoroTask& task, bool) {
  EventWait* self = as_wait(object);
  if (self->timeout >= 0) Host::instance().reactor().remove_timer(task);
  self->event->event.cancel_wait(task.waiter());
}

Poll wait_resume(PyObject* object, CoroTask& task, PyObject*& result) {
  const task::WakeReason reason = task.state().reason();
  if (reason == task::WakeReason::kCompleted) {
    // The event has let go of the task already: not another pass through its lock.
    if (as_wait(object)->timeout >= 0) Host::instance().reactor().remove_timer(task);
    return ready_none(result);
  }
  wait_abandon(object, task, true);
  if (reason == task::WakeReason::kCancelled) return raise_cancelled(task);
  return ready_none(result);
}

constexpr OperationKind kWaitKind{wait_start, wait_resume, wait_abandon, false, true};

int wait_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_wait(self)->event);
  return 0;
}

void wait_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_wait(self)->event);
  PyObject_GC_Del(self);
}

PyObject* make_wait(PyObject* event, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords,
                    double units_per_second, const char* method) {
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  const bool known = named == 0 || PyUnicode_EqualToUTF8(PyTuple_GET_ITEM(keywords, 0), "timeout");
  if (nargs + named > 1) {
    PyErr_Format(PyExc_TypeError, "%s() takes one argument, timeout, got %zd", method,
                 nargs + named);
    return nullptr;
  }
  if (!known) {
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument %R", method,
                 PyTuple_GET_ITEM(keywords, 0));
    return nullptr;
  }
  double timeout = -1;
  if (nargs + named == 1 && args[0] != Py_None) {
    const auto units = parse_seconds(args[0], (std::string(method) + "(): timeout").c_str());
    if (!units) return nullptr;
    timeout = *units / units_per_second;
  }
  EventWait* self = PyObject_GC_New(EventWait, &event_wait_type);
  if (!self) return nullptr;
  self->base.kind = &kWaitKind;
  self->event = as_event(Py_NewRef(event));
  self->timeout = timeout;
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* event_wait(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  return make_wait(self, args, nargs, keywords, 1, "Event.wait");
}

PyObject* event_waiter(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* keywords) {
  return make_wait(self, args, nargs, keywords, 1e6, "Event.waiter");
}

PyObject* event_is_set(PyObject* self, PyObject*) {
  return PyBool_FromLong(as_event(self)->event.is_set());
}

PyObject* event_set(PyObject* self, PyObject*) {
  return PyBool_FromLong(as_event(self)->event.set());
}

PyObject* event_clear(PyObject* self, PyObject*) {
  as_event(self)->event.clear();
  Py_RETURN_NONE;
}

PyObject* event_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  if (PyTuple_GET_SIZE(args) > 0 || (keywords && PyDict_GET_SIZE(keywords) > 0)) {
    PyErr_SetString(PyExc_TypeError, "Event() takes no arguments");
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (self) new (&as_event(self)->event) sync::Event();
  return self;
}

void event_dealloc(PyObject* self) {
  if (as_event(self)->weak_references) PyObject_ClearWeakRefs(self);
  // Nobody waits: a waiting task holds its operation, and that the event.
  as_event(self)->event.~Event();
  Py_TYPE(self)->tp_free(self);
}

PyMethodDef event_methods[] = {
    {"is_set", as_cfunction<event_is_set>(), METH_NOARGS,
     PyDoc_STR("is_set($self, /)\n--\n\nWhether the flag is set.")},
    {"set", as_cfunction<event_set>(), METH_NOARGS,
     PyDoc_STR("set($self, /)\n--\n\n"
               "Sets the flag and wakes who waits. True if it was this call that set it.")},
    {"clear", as_cfunction<event_clear>(), METH_NOARGS,
     PyDoc_STR("clear($self, /)\n--\n\nClears the flag.")},
    {"wait", as_cfunction<event_wait>(), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("wait($self, /, timeout=None)\n--\n\n"
               "Suspends until the flag is set or timeout seconds have passed. Gives None.")},
    {"waiter", as_cfunction<event_waiter>(), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("waiter($self, /, timeout=None)\n--\n\n"
               "As wait(), with the timeout in microseconds.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_event(PyObject* module) {
  event_type.tp_name = "tonio.Event";
  event_type.tp_doc = PyDoc_STR("Event()\n--\n\nA flag that tasks can wait for. Thread-safe.");
  event_type.tp_basicsize = sizeof(Event);
  event_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
  event_type.tp_new = entry<event_new>;
  event_type.tp_dealloc = event_dealloc;
  event_type.tp_methods = event_methods;
  event_type.tp_weaklistoffset = offsetof(Event, weak_references);

  event_wait_type.tp_name = "tonio.EventWait";
  event_wait_type.tp_basicsize = sizeof(EventWait);
  event_wait_type.tp_flags = Py_TPFLAGS_HAVE_GC;
  event_wait_type.tp_traverse = wait_traverse;
  event_wait_type.tp_dealloc = wait_dealloc;

  return PyType_Ready(&event_type) == 0 && ready_operation_type(event_wait_type) &&
         PyModule_AddObjectRef(module, "Event", reinterpret_cast<PyObject*>(&event_type)) == 0;
}

}  // namespace tonio::python
