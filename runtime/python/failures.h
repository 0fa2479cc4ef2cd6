// The exceptions that the tasks of one spawn or scope have failed with. Thread-safe.
#pragma once

#include <cstddef>
#include <vector>

#include "base/mutex.h"
#include "python/py.h"

namespace tonio::python {

class Failures {
 public:
  Failures() = default;
  ~Failures() { clear(); }
  Failures(const Failures&) = delete;
  Failures& operator=(const Failures&) = delete;

  // Takes over the exception. False where there is no memory to keep it: it is still the caller's.
  // The first one needs none: who waits learns of a failure in any case.
  [[nodiscard]] bool add(PyObject* exception);
  bool empty();
  // That number `index`; nothing: there are not so many.
  Ref at(std::size_t index);
  // Drops them; attached.
  void clear();
  int traverse(visitproc visit, void* arg);

 private:
  base::Mutex mutex_;
  // Guarded by mutex_; owned.
  PyObject* first_ = nullptr;
  std::vector<PyObject*> others_;
};

}  // namespace tonio::python
