#include "python/join.h"

#include <new>
#include <string>
#include <utility>

#include "base/stress.h"
#include "python/errors.h"
#include "python/scope.h"

namespace tonio::python {

Join::Join(Shape shape, std::size_t tasks, SpawnSite site)
    : shape_(shape), running_(tasks), site_(std::move(site)) {}

Join::~Join() {
  if (!observed_.load(std::memory_order_relaxed)) report_all();
}

Join* Join::make(Shape shape, std::size_t tasks, bool has_handle, SpawnSite site) {
  auto* join = new Join(shape, tasks, std::move(site));
  join->owners_.store((tasks > 0 ? 1u : 0u) + (has_handle ? 1u : 0u), std::memory_order_relaxed);
  if (tasks == 0) join->done_.set();
  return join;
}

void Join::make_list(std::size_t tasks) {
  if (shape_ != Shape::kList) return;
  result_ = Ref::steal(PyList_New(static_cast<Py_ssize_t>(tasks)));
  if (!result_) keep_failure(PyErr_GetRaisedException());
}

[[gnu::always_inline]] inline void Join::end_task() {
  if (shape_ == Shape::kRun) *task_.lock() = nullptr;
  // Release what this task wrote; the last one acquires what all wrote and passes it
  // on through done_.
  if (running_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  done_.set();
  base::stress_point();
  outside_.wake();
  drop();
}

void Join::succeed(std::size_t index, PyObject* result) {
  switch (shape_) {
    case Shape::kSingle:
    case Shape::kRun:
      result_.reset(result);
      break;
    case Shape::kList:
      if (!result_) [[unlikely]] {
        Py_DECREF(result);
        break;
      }
      PyList_SET_ITEM(result_.get(), static_cast<Py_ssize_t>(index), result);
      break;
    case Shape::kNone:
    case Shape::kUntracked:
    case Shape::kChild:
      Py_DECREF(result);
      break;
  }
  end_task();
}

void Join::fail() {
  Ref exception = Ref::steal(PyErr_GetRaisedException());
  if (scope_) {
    scope_child_failed(scope_.get(), exception.release());
    return end_task();
  }
  base::stress_point();
  // The handle's drop and this look at the owners in either order: the failure is
  // reported here, or by the destructor.
  if (owners_.load(std::memory_order_acquire) == 1 && shape_ != Shape::kRun) {
    report(exception.get());
  } else {
    keep_failure(exception.release());
  }
  end_task();
}

void Join::cancel() {
  // Under the lock it can't end, so the object holds no other task yet.
  auto task = task_.lock();
  if (*task) (*task)->cancel();
}

void Join::notify(int fd) {
  outside_.set(fd);
  // If the last task has found the old one, its done_ came before.
  if (fd >= 0 && done_.is_set()) outside_.wake();
}

void Join::clear() {
  if (done_.is_set()) result_.reset();
}

void Join::report_failures() {
  if (!done_.is_set() || observed_.exchange(true, std::memory_order_relaxed)) return;
  report_all();
}

void Join::report_all() {
  for (std::size_t i = 0; const Ref failure = failures_.at(i); ++i) report(failure.get());
}

void Join::keep_failure(PyObject* exception) {
  if (failures_.add(exception)) return;
  // Who waits learns of the others only.
  report(exception);
  Py_DECREF(exception);
}

void Join::drop() {
  if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

PyObject* Join::outcome() {
  observe();
  // No task adds any more.
  if (failures_.empty()) return Py_NewRef(result_ ? result_.get() : Py_None);
  if (Ref error = make_error()) PyErr_SetRaisedException(error.release());
  return nullptr;
}

Ref Join::make_error() {
  if (shape_ == Shape::kRun) return failures_.at(0);
  // A child that was cancelled has not failed by itself; only where nothing else went
  // wrong does its cancellation show.
  Ref errors = Ref::steal(PyList_New(0));
  if (!errors) return Ref();
  for (std::size_t i = 0; const Ref failure = failures_.at(i); ++i) {
    if (!PyErr_GivenExceptionMatches(failure.get(), cancelled_error) &&
        PyList_Append(errors.get(), failure.get()) != 0) {
      return Ref();
    }
  }
  if (PyList_GET_SIZE(errors.get()) == 0) {
    return Ref::steal(PyObject_CallNoArgs(cancelled_error));
  }
  return make_group("spawned tasks failed", errors.get());
}

void Join::report(PyObject* exception) {
  if (PyErr_GivenExceptionMatches(exception, cancelled_error)) return;
  // These have ended the run, which raises them.
  if (PyErr_GivenExceptionMatches(exception, PyExc_SystemExit) ||
      PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt)) {
    return;
  }
  report_unawaited("task", exception, site_);
}

int Join::traverse(visitproc visit, void* arg) {
  // While tasks run they hold references that the collector can't see, so nothing
  // that is reached from here may count as garbage: visit nothing then.
  if (!done_.is_set()) return 0;
  Py_VISIT(result_.get());
  if (const int stopped = failures_.traverse(visit, arg)) return stopped;
  return site_.traverse(visit, arg);
}

namespace {

// `line` and below it the traceback; a new reference, or null with an exception set.
PyObject* format_exception(PyObject* line, PyObject* exception) {
  Ref module = Ref::steal(PyImport_ImportModule("traceback"));
  Ref lines = Ref::steal(
      module ? PyObject_CallMethod(module.get(), "format_exception", "O", exception) : nullptr);
  if (!lines || PyList_Insert(lines.get(), 0, line) != 0) return nullptr;
  Ref nothing = Ref::steal(PyUnicode_FromString(""));
  return nothing ? PyUnicode_Join(nothing.get(), lines.get()) : nullptr;
}

// Owned; null: none.
base::Guarded<PyObject*> failure_hook{nullptr};

// False when there is none, or when it fails itself.
bool hand_over(const char* what, PyObject* exception, const std::string& place) {
  Ref hook;
  {
    auto current = failure_hook.lock();
    hook = Ref::borrow(*current);
  }
  if (!hook) return false;
  if (Ref::steal(PyObject_CallFunction(hook.get(), "sOz", what, exception,
                                       place.empty() ? nullptr : place.c_str()))) {
    return true;
  }
  PyErr_WriteUnraisable(hook.get());
  return false;
}

}  // namespace

Ref set_failure_hook(PyObject* hook) {
  auto current = failure_hook.lock();
  return Ref::steal(std::exchange(*current, Py_XNewRef(hook)));
}

void report_unawaited(const char* what, PyObject* exception, const SpawnSite& site) {
  PyObject* pending = PyErr_GetRaisedException();
  std::string place;
  try {
    place = site.describe();
  } catch (const std::bad_alloc&) {
    // Reported all the same: this may be a worker's own step.
  }
  if (hand_over(what, exception, place)) return PyErr_SetRaisedException(pending);
  Ref line =
      Ref::steal(PyUnicode_FromFormat("tonio: a %s failed and nobody awaited it%s%s\n", what,
                                      place.empty() ? "" : "; it was spawned at ", place.c_str()));
  // In one piece, so that it isn't mixed with what others report.
  Ref text = Ref::steal(line ? format_exception(line.get(), exception) : nullptr);
  if (text) {
    PySys_FormatStderr("%U", text.get());
  } else {
    PyErr_Clear();
    if (line) PySys_FormatStderr("%U", line.get());
    PyErr_DisplayException(exception);
  }
  PyErr_SetRaisedException(pending);
}

}  // namespace tonio::python
