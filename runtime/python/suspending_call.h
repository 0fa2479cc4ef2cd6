// What a function of the package gives that is written as a coroutine and suspends: unlike
// the coroutine, a generator can use it with `yield from`. `await` and `yield from` hand it to
// the worker, as `yield` does; so the task runs the coroutine on its own stack, as one that it
// has yielded, and several tasks that wait for it share its outcome (shared_coroutine.h).
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_suspending_call(PyObject* module);

bool is_suspending_call(PyObject* object);

// Its coroutine; of anything else the object itself. Borrowed.
PyObject* without_suspending_call(PyObject* object);

}  // namespace tonio::python
