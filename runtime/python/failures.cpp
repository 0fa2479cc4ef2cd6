#include "python/failures.h"

#include <new>
#include <utility>

namespace tonio::python {

bool Failures::add(PyObject* exception) {
  const base::MutexLock lock(mutex_);
  if (!first_) {
    first_ = exception;
    return true;
  }
  try {
    others_.push_back(exception);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

bool Failures::empty() {
  const base::MutexLock lock(mutex_);
  return !first_;
}

Ref Failures::at(std::size_t index) {
  const base::MutexLock lock(mutex_);
  if (index == 0) return Ref::borrow(first_);
  return index <= others_.size() ? Ref::borrow(others_[index - 1]) : Ref();
}

void Failures::clear() {
  PyObject* first = nullptr;
  std::vector<PyObject*> others;
  {
    const base::MutexLock lock(mutex_);
    std::swap(first, first_);
    others.swap(others_);
  }
  // Without the lock: what is freed may run any code.
  Py_XDECREF(first);
  for (PyObject* failure : others) Py_DECREF(failure);
}

int Failures::traverse(visitproc visit, void* arg) {
  const base::MutexLock lock(mutex_);
  Py_VISIT(first_);
  for (PyObject* failure : others_) Py_VISIT(failure);
  return 0;
}

}  // namespace tonio::python
