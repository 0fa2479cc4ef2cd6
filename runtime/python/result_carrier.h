// The StopIteration in which an awaited result comes back to its coroutine.
//
// Making and freeing one costs as much as the rest of an await, and the interpreter has done with
// it as soon as it has taken the result out. So a thread uses the same one again. It keeps a
// reference to the last result meanwhile, which nobody may notice: only small objects without
// anything to finalize are carried that way.
#pragma once

#include "python/py.h"

namespace tonio::python {

// One per thread of the runtime; used by the thread itself, attached.
class ResultCarrier {
 public:
  ResultCarrier() = default;
  ResultCarrier(const ResultCarrier&) = delete;
  ResultCarrier& operator=(const ResultCarrier&) = delete;

  // Ends an iterator with `result` (stolen): raises StopIteration, for None nothing.
  void raise(PyObject* result);
  // The last result is nobody's concern any more.
  void forget() {
    if (carries_) forget_result();
  }
  // Before the thread leaves the interpreter.
  void drop();

 private:
  [[nodiscard]] bool reusable() const;
  void forget_result();

  PyStopIterationObject* stop_ = nullptr;  // owned
  bool carries_ = false;                   // a result stands in it
};

}  // namespace tonio::python
