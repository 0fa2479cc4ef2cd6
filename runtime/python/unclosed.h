// What the package says of something that was dropped and not closed: a ResourceWarning.
//
// Finalizers run anywhere, also inside of an import that holds the lock which all imports take
// for a moment, and to show a warning imports modules: two threads that do could wait for each
// other for ever. So while its thread has that lock the warning is put off, without its source: to
// the worker's next step; from other threads to where the main thread handles signals.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_unclosed(PyObject* module);

// By the finalizer of `object`. Leaves the exception that is set as it is. `stack_level` as that
// of warnings.warn(); 1 is the innermost Python frame.
void warn_unclosed(PyObject* object, Py_ssize_t stack_level);

}  // namespace tonio::python
