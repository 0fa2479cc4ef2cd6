// tonio.exceptions, and the one place where errno becomes an exception.
#pragma once

#include "python/py.h"

namespace tonio::python {

extern PyObject* cancelled_error;            // BaseException
extern PyObject* timeout_error;              // TimeoutError
extern PyObject* would_block_error;          // Exception
extern PyObject* resource_broken_error;      // OSError
extern PyObject* resource_busy_error;        // RuntimeError
extern PyObject* already_initialized_error;  // RuntimeError
extern PyObject* not_initialized_error;      // RuntimeError
extern PyObject* deadlock_error;             // RuntimeError

[[nodiscard]] bool init_errors(PyObject* module);

// An ExceptionGroup of the exceptions in the list, or, when some are no Exceptions, a
// BaseExceptionGroup. Nothing with an exception set.
Ref make_group(const char* message, PyObject* exceptions);

// Sets the OSError subclass that belongs to `error`. Always null.
PyObject* raise_errno(int error);

}  // namespace tonio::python
