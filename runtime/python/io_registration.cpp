#include "python/io_registration.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <string>

#include "base/clock.h"
#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/host.h"
#include "python/operation.h"
#include "reactor/descriptor.h"

namespace tonio::python {
namespace {

using reactor::Interest;

struct IoRegistration {
  PyObject_HEAD reactor::Descriptor* descriptor;  // owned
  int fd;                                         // as it was registered; only to be shown
  PyObject* weak_references;
};

struct Readiness {
  Operation base;
  IoRegistration* registration;  // owned
  Interest interest;
  double timeout;  // seconds; negative: none
};

PyTypeObject registration_type = empty_type();
PyTypeObject readiness_type = empty_type();

IoRegistration* as_registration(PyObject* self) { return reinterpret_cast<IoRegistration*>(self); }
Readiness* as_readiness(PyObject* self) { return reinterpret_cast<Readiness*>(self); }

Poll readiness_start(PyObject* object, CoroTask& task, PyObject*&) {
  Readiness* self = as_readiness(object);
  if (!task.state().begin_arming()) return raise_cancelled(task);
  const int error = self->registration->descriptor->wait(self->interest, task.waiter());
  if (error != 0) {
    (void)task.state().cancel_arming();
    raise_errno(error);
    return Poll::kError;
  }
  if (self->timeout >= 0) {
    Host::instance().reactor().add_timer_after(task, self->timeout);
  }
  return Poll::kPending;
}

void readiness_abandon(PyObject* object, CoroTask& task, bool) {
  Readiness* self = as_readiness(object);
  if (self->timeout >= 0) Host::instance().reactor().remove_timer(task);
  self->registration->descriptor->cancel_wait(self->interest, task.waiter());
}

Poll readiness_resume(PyObject* object, CoroTask& task, PyObject*& result) {
  const task::WakeReason reason = task.state().reason();
  // The one of the two that has woken the task has let go of it already.
  readiness_abandon(object, task, true);
  if (reason == task::WakeReason::kCancelled) return raise_cancelled(task);
  // Closing the registration wakes as readiness does.
  if (const int error = as_readiness(object)->registration->descriptor->error()) {
    raise_errno(error);
    return Poll::kError;
  }
  result = PyBool_FromLong(reason == task::WakeReason::kCompleted);
  return Poll::kReady;
}

constexpr OperationKind kReadinessKind{readiness_start, readiness_resume, readiness_abandon};

int readiness_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_readiness(self)->registration);
  return 0;
}

void readiness_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_readiness(self)->registration);
  PyObject_GC_Del(self);
}

PyObject* arm(PyObject* registration, PyObject* args, PyObject* keywords, Interest interest,
              const char* method) {
  static const char* const names[] = {"timeout", nullptr};
  PyObject* timeout_object = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, (std::string("|O:") + method).c_str(),
                                   const_cast<char**>(names), &timeout_object)) {
    return nullptr;
  }
  double timeout = -1;
  if (timeout_object != Py_None) {
    const auto seconds =
        parse_seconds(timeout_object, (std::string(method) + "(): timeout").c_str());
    if (!seconds) return nullptr;
    timeout = *seconds;
  }
  Readiness* self = PyObject_GC_New(Readiness, &readiness_type);
  if (!self) return nullptr;
  self->base.kind = &kReadinessKind;
  self->registration = as_registration(Py_NewRef(registration));
  self->interest = interest;
  self->timeout = timeout;
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* arm_r(PyObject* self, PyObject* args, PyObject* keywords) {
  return arm(self, args, keywords, Interest::kRead, "arm_r");
}

PyObject* arm_w(PyObject* self, PyObject* args, PyObject* keywords) {
  return arm(self, args, keywords, Interest::kWrite, "arm_w");
}

template <Interest interest>
PyObject* consume(PyObject* self, PyObject*) {
  int error = 0;
  const bool ready = as_registration(self)->descriptor->ready(interest, error);
  return error != 0 ? raise_errno(error) : PyBool_FromLong(ready);
}

// The errno of a descriptor that can't be watched as an exception that says
// why.
PyObject* raise_unwatchable(int fd, int error) {
  if (error != EPERM) return raise_errno(error);
  struct stat status {};
  const mode_t type = ::fstat(fd, &status) == 0 ? status.st_mode & S_IFMT : 0;
  const char* what = type == S_IFREG   ? "a regular file, which is always ready; tonio.fs reads "
                                         "and writes files"
                     : type == S_IFDIR ? "a directory, which is always ready"
                                       : "of a device that the system can't poll";
  Ref message = Ref::steal(PyUnicode_FromFormat(
      "tonio.io.register(): descriptor %d can't be watched: it is %s", fd, what));
  Ref exception = message
                      ? Ref::steal(PyObject_CallFunction(PyExc_OSError, "iO", error, message.get()))
                      : Ref();
  if (exception) PyErr_SetRaisedException(exception.release());
  return nullptr;
}

PyObject* register_descriptor(PyObject*, PyObject* object) {
  const int fd = PyObject_AsFileDescriptor(object);
  if (fd < 0 || !Host::instance().check_running()) return nullptr;
  int error = 0;
  auto descriptor = reactor::Descriptor::open(Host::instance().reactor(), fd, error);
  if (!descriptor) return raise_unwatchable(fd, error);
  PyObject* self = registration_type.tp_alloc(&registration_type, 0);
  if (!self) return nullptr;
  as_registration(self)->descriptor = descriptor.release();
  as_registration(self)->fd = fd;
  return self;
}

void registration_dealloc(PyObject* self) {
  if (as_registration(self)->weak_references) PyObject_ClearWeakRefs(self);
  delete as_registration(self)->descriptor;
  Py_TYPE(self)->tp_free(self);
}

PyObject* registration_close(PyObject* self, PyObject*) {
  as_registration(self)->descriptor->close();
  Py_RETURN_NONE;
}

PyObject* registration_enter(PyObject* self, PyObject*) { return Py_NewRef(self); }

PyObject* registration_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  return registration_close(self, nullptr);
}

PyObject* registration_repr(PyObject* self) {
  const bool closed = as_registration(self)->descriptor->closed();
  return PyUnicode_FromFormat("<tonio.io.Registration%s of descriptor %d>",
                              closed ? " [closed]" : "", as_registration(self)->fd);
}

PyObject* registration_closed(PyObject* self, void*) {
  return PyBool_FromLong(as_registration(self)->descriptor->closed());
}

PyMethodDef methods[] = {
    {"arm_r", as_cfunction<arm_r>(), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("arm_r($self, /, timeout=None)\n--\n\n"
               "Suspends until reading would not block (data, end of file or "
               "an error), or "
               "timeout seconds have passed. Gives whether it is ready. "
               "OSError (EBADF) when "
               "the registration is closed, before or meanwhile.")},
    {"arm_w", as_cfunction<arm_w>(), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("arm_w($self, /, timeout=None)\n--\n\nAs arm_r(), for writing.")},
    {"consume_r", as_cfunction<consume<Interest::kRead>>(), METH_NOARGS,
     PyDoc_STR("consume_r($self, /)\n--\n\n"
               "Whether reading would not block at this moment. Doesn't suspend.")},
    {"consume_w", as_cfunction<consume<Interest::kWrite>>(), METH_NOARGS,
     PyDoc_STR("consume_w($self, /)\n--\n\nAs consume_r(), for writing.")},
    {"close", as_cfunction<registration_close>(), METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\n"
               "Ends the registration; who waits on it gets an OSError "
               "(EBADF). The descriptor "
               "that was registered stays open.")},
    {"__enter__", as_cfunction<registration_enter>(), METH_NOARGS, nullptr},
    {"__exit__", as_cfunction<registration_exit>(), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"closed", entry<registration_closed>, nullptr, PyDoc_STR("Whether close() has been called."),
     nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef functions[] = {
    {"register_descriptor", as_cfunction<register_descriptor>(), METH_O,
     PyDoc_STR("register_descriptor($module, fd, /)\n--\n\n"
               "Watches a descriptor, or an object with fileno(), for "
               "readiness. OSError (EBADF) "
               "for a closed one, (EPERM) for one that can't be polled, such "
               "as a regular "
               "file's.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool init_io_registration(PyObject* module) {
  registration_type.tp_name = "tonio.io.Registration";
  registration_type.tp_doc = PyDoc_STR(
      "A descriptor whose readiness tasks wait for; tonio.io.register() makes "
      "it. "
      "Any number of tasks and threads may use it at the same time.");
  registration_type.tp_basicsize = sizeof(IoRegistration);
  registration_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  registration_type.tp_dealloc = registration_dealloc;
  registration_type.tp_repr = entry<registration_repr>;
  registration_type.tp_methods = methods;
  registration_type.tp_getset = properties;
  registration_type.tp_weaklistoffset = offsetof(IoRegistration, weak_references);

  readiness_type.tp_name = "tonio.Readiness";
  readiness_type.tp_basicsize = sizeof(Readiness);
  readiness_type.tp_flags = Py_TPFLAGS_HAVE_GC;
  readiness_type.tp_traverse = readiness_traverse;
  readiness_type.tp_dealloc = readiness_dealloc;

  return PyType_Ready(&registration_type) == 0 && ready_operation_type(readiness_type) &&
         PyModule_AddFunctions(module, functions) == 0 &&
         PyModule_AddObjectRef(module, "Registration",
                               reinterpret_cast<PyObject*>(&registration_type)) == 0;
}

}  // namespace tonio::python
