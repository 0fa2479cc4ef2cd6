// tonio.scope(): a cancel scope as Python sees it.
#pragma once

#include "python/coro_task.h"
#include "python/py.h"
#include "task/cancel_scope.h"

namespace tonio::python {

[[nodiscard]] bool init_scope(PyObject* module);

task::CancelScope& scope_core(PyObject* scope);
// Instead of waiting for it: its time limit is no longer needed.
void scope_is_over(PyObject* scope);
// The link of a task's list of scopes (CoroTask::wait_at_end): a scope is left once, by one task.
PyObject*& next_left_scope(PyObject* scope);
// By a child that ends: a failure that the scope raises where it is waited for, and that
// cancels the others. A cancellation is none. Steals `failure`.
void scope_child_failed(PyObject* scope, PyObject* failure);
// By a child that was cancelled because the run ends (CoroTask::ends_with_run), before that.
void scope_child_ended_with_run(PyObject* scope);

}  // namespace tonio::python
