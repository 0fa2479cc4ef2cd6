// Starting tasks from Python.
#pragma once

#include <cstddef>

#include "python/join.h"
#include "python/py.h"

namespace tonio::python {

// Adds `spawn` and `map` to the module.
[[nodiscard]] bool init_spawn(PyObject* module);

// `yield [a, b]`: an operation that gives the list of results.
PyObject* spawn_gathered(PyObject* list, SpawnSite site = SpawnSite::here(),
                         const char* doing = "a list that is yielded holds");
// `yield {a, b}`: they run in the background. False with an exception set.
[[nodiscard]] bool spawn_background(PyObject* set, SpawnSite site);

// Starts what closes something that nobody holds any more, so it isn't cancelled at the
// end of a run. False with an exception set.
[[nodiscard]] bool spawn_closing(PyObject* awaitable);

// Starts `awaitable` as a child of the scope; a scope that has been cancelled or is over
// by now has it closed. False with an exception set.
[[nodiscard]] bool spawn_child(PyObject* awaitable, PyObject* scope);

// Starts `awaitable` for a thread that waits outside. Owned by the caller (Join::drop);
// null with an exception set.
Join* spawn_for_thread(PyObject* awaitable, const char* doing);

}  // namespace tonio::python
