#include "python/spawn.h"

#include <memory>
#include <utility>

#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/coroutine_claim.h"
#include "python/entry.h"
#include "python/host.h"
#include "python/operation.h"
#include "python/scope.h"
#include "python/shared_coroutine.h"
#include "python/spawn_batch.h"

namespace tonio::python {
namespace {

// The join handle: what spawn() returns.
struct JoinHandle {
  Operation base;
  Join* join;
};

JoinHandle* as_handle(PyObject* self) { return reinterpret_cast<JoinHandle*>(self); }

Poll join_result(JoinHandle* self, CoroTask& task, PyObject*& result) {
  result = self->join->outcome();
  return result ? Poll::kReady : raise_outcome(task, self->join->ended_with_run());
}

Poll join_start(PyObject* object, CoroTask& task, PyObject*& result) {
  JoinHandle* self = as_handle(object);
  if (self->join->done().is_set()) return join_result(self, task, result);
  if (!task.state().begin_arming()) return raise_cancelled(task);
  if (self->join->done().wait(task.waiter())) return Poll::kPending;
  (void)task.state().cancel_arming();
  return join_result(self, task, result);
}

void join_abandon(PyObject* object, CoroTask& task, bool) {
  as_handle(object)->join->done().cancel_wait(task.waiter());
}

Poll join_resume(PyObject* object, CoroTask& task, PyObject*& result) {
  if (task.state().reason() == task::WakeReason::kCompleted) {
    return join_result(as_handle(object), task, result);
  }
  join_abandon(object, task, true);
  return raise_cancelled(task);
}

constexpr OperationKind kJoinKind{join_start, join_resume, join_abandon, false, true};

int join_traverse(PyObject* self, visitproc visit, void* arg) {
  return as_handle(self)->join ? as_handle(self)->join->traverse(visit, arg) : 0;
}

int join_clear(PyObject* self) {
  if (Join* join = as_handle(self)->join) join->clear();
  return 0;
}

// Not in dealloc: the collector has emptied the exceptions by then, if they are garbage, too.
void join_finalize(PyObject* self) {
  if (Join* join = as_handle(self)->join) join->report_failures();
}

void join_dealloc(PyObject* self) {
  if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
  PyObject_GC_UnTrack(self);  // which make_handle() has not tracked yet
  if (Join* join = as_handle(self)->join) join->drop();
  PyObject_GC_Del(self);
}

PyTypeObject join_handle_type = empty_type();

// Before the tasks are started, which can't be taken back. Nothing with an exception set.
Ref make_handle() {
  JoinHandle* self = PyObject_GC_New(JoinHandle, &join_handle_type);
  if (!self) return Ref();
  self->base.kind = &kJoinKind;
  self->join = nullptr;
  return Ref::steal(reinterpret_cast<PyObject*>(self));
}

// Steals the handle's share of `join`; null for null.
PyObject* give_handle(Ref handle, Join* join) {
  if (!join) return nullptr;
  as_handle(handle.get())->join = join;
  PyObject_GC_Track(handle.get());
  return handle.release();
}

// Puts the iterator of each awaitable into its place in `items`, a tuple of the caller's
// own. False with an exception set, and none of them is claimed.
bool make_drivable(PyObject* items, const char* doing) {
  // Far enough ahead that a large spawn doesn't wait for memory at each coroutine.
  constexpr std::size_t kAhead = 16;
  PyObject** slots = &PyTuple_GET_ITEM(items, 0);
  const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(items));
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) __builtin_prefetch(slots[i + kAhead], 1);
    if (is_coroutine(slots[i]) && claim_coroutine(slots[i])) continue;  // its own iterator
    PyObject* iterator = drivable(slots[i], doing);
    if (!iterator) {
      while (i-- > 0) release_coroutine(slots[i]);
      return false;
    }
    Py_SETREF(slots[i], iterator);
  }
  return true;
}

// A call's tuple of arguments, or a copy when somebody else may look at it: `spawn(*coros)`
// with a tuple passes that tuple itself.
Ref own_arguments(PyObject* items) {
#if PY_VERSION_HEX >= 0x030E0000
  const bool unique = PyUnstable_Object_IsUniqueReferencedTemporary(items);
#else
  const bool unique = Py_REFCNT(items) == 1;
#endif
  if (unique) return Ref::borrow(items);
  const Py_ssize_t count = PyTuple_GET_SIZE(items);
  Ref copy = Ref::steal(PyTuple_New(count));
  for (Py_ssize_t i = 0; copy && i < count; ++i) {
    PyTuple_SET_ITEM(copy.get(), i, Py_NewRef(PyTuple_GET_ITEM(items, i)));
  }
  return copy;
}

struct How {
  PyObject* scope = nullptr;  // whose child the task becomes
  bool yielded = false;       // Join::set_yielded()
  bool cleaning_up = false;   // Origin
};

// What all spawns need. False with an exception set.
bool get_ready(Ref& context) {
  Host& host = Host::instance();
  if (!host.check_running()) return false;
  // A step that spawns and does not end would keep all that its colleagues have run of it.
  if (this_thread && this_thread->drops.has_received()) this_thread->drops.drop_received();
  if (!host.contexts.load(std::memory_order_relaxed)) return true;
  context = Ref::steal(PyContext_CopyCurrent());
  return static_cast<bool>(context);
}

// Null with an exception set. This and start_tasks() throw std::bad_alloc, too; nothing has been
// started then, and nothing is claimed.
Join* start_task(PyObject* awaitable, Join::Shape shape, bool handle, const char* doing,
                 SpawnSite site = SpawnSite::here(), How how = {}) {
  Ref context;
  if (!get_ready(context)) return nullptr;
  NewJoin join(Join::make(shape, 1, handle, std::move(site)));
  Claimed iterator(drivable(awaitable, doing));
  if (!iterator) return nullptr;
  if (how.yielded) join->set_yielded();
  if (how.scope) join->set_scope(how.scope);
  Host& host = Host::instance();
  CoroTask& task = host.take_task();
  Origin origin = host.current_origin();
  origin.cleaning_up |= how.cleaning_up;
  task.begin(iterator.release(), *join, 0, context.release(), origin);
  if (how.scope && !scope_core(how.scope).add_child(task)) task.cancel();
  if (shape == Join::Shape::kRun) join->set_task(task);
  host.scheduler().spawn(task);
  return join.release();
}

// A task for each of `items`, a tuple that nobody else looks at; first everything that can
// fail, then they are started. Null with an exception set.
Join* start_tasks(Ref items, Join::Shape shape, bool handle, const char* doing,
                  SpawnSite site = SpawnSite::here(), How how = {}) {
  if (!items) return nullptr;
  const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(items.get()));
  if (count == 1 && shape != Join::Shape::kList) {
    PyObject* only = PyTuple_GET_ITEM(items.get(), 0);
    return start_task(only, shape, handle, doing, std::move(site), how);
  }
  Ref context;
  if (!get_ready(context)) return nullptr;
  NewJoin join(Join::make(shape, count, handle, std::move(site)));
  if (how.yielded) join->set_yielded();
  if (count == 0) {
    join->make_list(0);
    return join.release();
  }
  PyObject* iterators = items.get();
  Host& host = Host::instance();
  auto batch = std::make_unique<SpawnBatch>(host.scheduler(), std::move(items), *join,
                                            std::move(context), host.current_origin());
  // The last that can fail.
  if (!make_drivable(iterators, doing)) return nullptr;
  batch.release()->schedule();
  return join.release();
}

PyObject* spawn_all(PyObject* args, Join::Shape shape, bool handle) {
  if (PyTuple_GET_SIZE(args) == 0 && !handle) Py_RETURN_NONE;
  Ref made = handle ? make_handle() : Ref();
  if (handle && !made) return nullptr;
  Join* join = start_tasks(own_arguments(args), shape, handle, "tonio.spawn() takes");
  if (handle) return give_handle(std::move(made), join);
  // Without a handle the tasks own it alone, and it may be gone already.
  if (join) Py_RETURN_NONE;
  return nullptr;
}

// Called with the tuple of arguments itself (no vectorcall): that of `spawn(*coros)` is
// taken over as it is (own_arguments), which saves a large spawn two walks over all coroutines.
PyObject* spawn_call(PyObject*, PyObject* args, PyObject* keywords) {
  if (keywords && PyDict_GET_SIZE(keywords) > 0) {
    PyErr_SetString(PyExc_TypeError, "tonio.spawn() takes no keyword arguments");
    return nullptr;
  }
  const bool one = PyTuple_GET_SIZE(args) == 1;
  return spawn_all(args, one ? Join::Shape::kSingle : Join::Shape::kList, true);
}

PyObject* spawn_without_results(PyObject*, PyObject* args) {
  return spawn_all(args, Join::Shape::kNone, true);
}

PyObject* spawn_without_tracking(PyObject*, PyObject* args) {
  return spawn_all(args, Join::Shape::kUntracked, false);
}

// `tonio.spawn`: a callable with two methods.
struct Spawn {
  PyObject_HEAD
};

PyMethodDef spawn_methods[] = {
    {"without_results", as_cfunction<spawn_without_results>(), METH_VARARGS,
     PyDoc_STR("without_results($self, /, *coros)\n--\n\n"
               "As spawn(), but waiting for it gives None.")},
    {"without_tracking", as_cfunction<spawn_without_tracking>(), METH_VARARGS,
     PyDoc_STR("without_tracking($self, /, *coros)\n--\n\n"
               "Schedules the coroutines and forgets them; one that fails is reported on "
               "standard error.")},
    {nullptr, nullptr, 0, nullptr},
};

PyTypeObject spawn_type = empty_type();

PyObject* map(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) {
    PyErr_Format(PyExc_TypeError, "tonio.map() takes a function and an iterable, got %zd arguments",
                 count);
    return nullptr;
  }
  Ref items = Ref::steal(PySequence_List(args[1]));
  if (!items) return nullptr;
  Ref coros = Ref::steal(PyList_New(0));
  for (Py_ssize_t i = 0; coros && i < PyList_GET_SIZE(items.get()); ++i) {
    Ref coro = Ref::steal(PyObject_CallOneArg(args[0], PyList_GET_ITEM(items.get(), i)));
    if (!coro || PyList_Append(coros.get(), coro.get()) != 0) return nullptr;
  }
  if (!coros) return nullptr;
  return spawn_gathered(coros.get(), SpawnSite::here(), "the function of tonio.map() gives");
}

PyObject* report_failure(PyObject*, PyObject* const* args, Py_ssize_t count) {
  const char* what = count == 2 && PyUnicode_Check(args[0]) ? PyUnicode_AsUTF8(args[0]) : nullptr;
  if (!what || !PyExceptionInstance_Check(args[1])) {
    PyErr_SetString(PyExc_TypeError, "report_failure() takes a str and an exception");
    return nullptr;
  }
  report_unawaited(what, args[1], SpawnSite());
  Py_RETURN_NONE;
}

PyObject* ends_with_run(PyObject*, PyObject*) {
  const CoroTask* task = current_task();
  return PyBool_FromLong(task && task->ends_with_run());
}

PyObject* raise_outcome_of_task(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2 || !PyExceptionInstance_Check(args[0]) || !PyBool_Check(args[1])) {
    PyErr_SetString(PyExc_TypeError, "raise_outcome() takes an exception and a bool");
    return nullptr;
  }
  PyErr_SetRaisedException(Py_NewRef(args[0]));
  if (CoroTask* task = current_task()) (void)raise_outcome(*task, args[1] == Py_True);
  return nullptr;
}

PyObject* set_hook(PyObject*, PyObject* hook) {
  Ref previous = set_failure_hook(hook == Py_None ? nullptr : hook);
  return previous ? previous.release() : Py_NewRef(Py_None);
}

PyMethodDef functions[] = {
    {"set_failure_hook", as_cfunction<set_hook>(), METH_O,
     PyDoc_STR("set_failure_hook($module, hook, /)\n--\n\n"
               "hook(what, exception, place) gets what would be reported as not awaited; None: "
               "standard error does. Gives the one before, or None.")},
    {"report_failure", as_cfunction<report_failure>(), METH_FASTCALL,
     PyDoc_STR("report_failure($module, what, exception, /)\n--\n\n"
               "Says on standard error that `what` failed and nobody will get the exception.")},
    {"ends_with_run", as_cfunction<ends_with_run>(), METH_NOARGS,
     PyDoc_STR("ends_with_run($module, /)\n--\n\n"
               "Whether the calling task is cancelled because the run ends.")},
    {"raise_outcome", as_cfunction<raise_outcome_of_task>(), METH_FASTCALL,
     PyDoc_STR("raise_outcome($module, exception, ended_with_run, /)\n--\n\n"
               "Raises the exception of another task, which the calling task has waited for and "
               "which gave `ended_with_run` of itself. When both are cancelled at the same time, "
               "that is one cancellation: it does not come again in the clean-up.")},
    {"map", as_cfunction<map>(), METH_FASTCALL,
     PyDoc_STR("map($module, fn, xs, /)\n--\n\n"
               "Spawns fn(x) for each x of the iterable at once. Waiting for it gives the list "
               "of results in the order of xs.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* spawn_gathered(PyObject* list, SpawnSite site, const char* doing) {
  Ref handle = make_handle();
  if (!handle) return nullptr;
  // A snapshot: others may change the list.
  Ref items = Ref::steal(PyList_AsTuple(list));
  return give_handle(std::move(handle), start_tasks(std::move(items), Join::Shape::kList, true,
                                                    doing, std::move(site), {.yielded = true}));
}

bool spawn_background(PyObject* set, SpawnSite site) {
  Ref items = Ref::steal(PySequence_Tuple(set));
  if (!items) return false;
  if (PyTuple_GET_SIZE(items.get()) == 0) return true;
  return start_tasks(std::move(items), Join::Shape::kUntracked, false,
                     "a set that is yielded holds", std::move(site), {.yielded = true}) != nullptr;
}

bool spawn_child(PyObject* awaitable, PyObject* scope) {
  return start_task(awaitable, Join::Shape::kChild, false, "scope.spawn() takes", SpawnSite::here(),
                    {.scope = scope}) != nullptr;
}

bool spawn_closing(PyObject* awaitable) {
  return start_task(awaitable, Join::Shape::kUntracked, false, "a task takes", SpawnSite::here(),
                    {.cleaning_up = true}) != nullptr;
}

Join* spawn_for_thread(PyObject* awaitable, const char* doing) {
  return start_task(awaitable, Join::Shape::kRun, true, doing, SpawnSite::of_program());
}

bool init_spawn(PyObject* module) {
  join_handle_type.tp_name = "tonio.JoinHandle";
  join_handle_type.tp_doc =
      PyDoc_STR("What spawn() returns: await or yield it for the results of the tasks.");
  join_handle_type.tp_basicsize = sizeof(JoinHandle);
  join_handle_type.tp_dealloc = join_dealloc;
  join_handle_type.tp_traverse = join_traverse;
  join_handle_type.tp_clear = join_clear;
  join_handle_type.tp_finalize = join_finalize;
  join_handle_type.tp_flags = Py_TPFLAGS_HAVE_GC;

  spawn_type.tp_name = "tonio.spawn";
  spawn_type.tp_doc = PyDoc_STR(
      "spawn(*coros)\n--\n\n"
      "Schedules the coroutines at once, each as a task. Waiting for what it returns waits for "
      "all of them and gives the result of one coroutine, or the list of results, in order, of "
      "several. Failures are raised together as an ExceptionGroup.");
  spawn_type.tp_basicsize = sizeof(Spawn);
  spawn_type.tp_call = entry<spawn_call>;
  spawn_type.tp_methods = spawn_methods;
  spawn_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;

  if (!ready_operation_type(join_handle_type) || PyType_Ready(&spawn_type) != 0) return false;
  Spawn* spawn = PyObject_New(Spawn, &spawn_type);
  if (!spawn) return false;
  const Ref owned = Ref::steal(reinterpret_cast<PyObject*>(spawn));
  return PyModule_AddObjectRef(module, "spawn", owned.get()) == 0 &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tonio::python
