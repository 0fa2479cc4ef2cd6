// Asynchronous generators that tasks leave early: their finally blocks may suspend, so
// closing one is a task of its own.
#pragma once

#include "python/py.h"

namespace tonio::python {

// Once, before the first worker is started. False with an exception set.
[[nodiscard]] bool init_async_generators();

// Sets the hooks of the calling thread, a worker: they learn of each generator that is
// iterated there, and close one that is dropped half-way.
void watch_async_generators(PyThreadState& thread);

// Starts closing those that are still open, when no task is left that could be iterating
// them. False when there are none. Attached.
bool close_async_generators();

}  // namespace tonio::python
