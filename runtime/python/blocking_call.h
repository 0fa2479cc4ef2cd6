// A blocking call: a function that a thread of the blocking pool calls, and what waiting for
// its end gives.
#pragma once

#include <cstdint>

#include "python/py.h"

namespace tonio::python {

// What cancelling the last waiter does to its call.
enum class OnCancel : std::uint8_t {
  kInterrupt,  // not begun: it won't run; running: CancelledError is raised inside it
  kFinish,     // not begun: it won't run; running: it ends, the waiter gets the outcome, and
               // is cancelled at its next suspension
  kShield,     // it ends in any case; the rest as kFinish
};

// Submits a call of `function` to the blocking pool. `args` is a tuple, which nobody else refers
// to, of the positional arguments, then the values of the keywords that the tuple `keywords` (or
// null) names. A new reference to what waits for it, or null with an exception set.
PyObject* make_blocking_call(PyObject* function, Ref args, Ref keywords, OnCancel on_cancel);

[[nodiscard]] bool init_blocking_call();

}  // namespace tonio::python
