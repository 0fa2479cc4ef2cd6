// A coroutine that several tasks want: the first runs it, the others wait for its
// outcome, and who asks later still gets it (tinyio's diamond of dependencies).
#pragma once

#include <utility>

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_shared_coroutine();

// An iterator for one task that gives the outcome of `coroutine`, which some task has
// claimed (coroutine_claim.h). A new reference, or null with an exception set.
PyObject* await_shared(PyObject* coroutine);

// By the task that has run it to its end, with the result, or null and its exception set,
// which stays set. Somebody else has a reference to the coroutine, so they may ask;
// `yielded`: they may do so after its end as well.
void keep_outcome(PyObject* coroutine, PyObject* result, bool yielded);

// For what was claimed and is not going to be begun: one of those who wait runs it.
void release_coroutine(PyObject* object);

// What drivable() has given, or null, until a task takes it over: released where none does.
class Claimed {
 public:
  explicit Claimed(PyObject* iterator) : iterator_(iterator) {}
  Claimed(Claimed&& other) noexcept : iterator_(other.release()) {}
  Claimed& operator=(Claimed&&) = delete;
  ~Claimed() { reset(); }

  explicit operator bool() const { return iterator_ != nullptr; }
  // The reference and the claim are the caller's from now on.
  [[nodiscard]] PyObject* release() { return std::exchange(iterator_, nullptr); }
  void reset() {
    if (!iterator_) return;
    release_coroutine(iterator_);
    Py_DECREF(release());
  }

 private:
  PyObject* iterator_;
};

}  // namespace tonio::python
