// What suspends on a scope: waiting for its children, and `async with`.
#pragma once

#include "python/py.h"
#include "task/cancel_scope.h"

namespace tonio::python {

[[nodiscard]] bool init_scope_wait();

// An operation that waits for the end of a scope which has been left, and raises what its
// children raised. `body`: what has left it, or null; `swallow`: that was the scope's own
// cancellation; `exits`: for __aexit__, so it gives whether to swallow. A new reference,
// or null with an exception set.
PyObject* make_scope_wait(PyObject* scope, PyObject* body, bool swallow, bool exits);

// What __aenter__ gives: ready at once, with the scope.
PyObject* make_scope_entered(PyObject* scope);

// The scope whose end `operation` waits for; null when it is another operation.
task::CancelScope* awaited_scope(PyObject* operation);

}  // namespace tonio::python
