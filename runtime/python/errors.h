// tonio.exceptions, and the one place where errno becomes an exception.
#pragma once

#include "python/py.h"

namespace tonio::python {

extern PyObject* cancelled_error;                  // BaseException
extern PyObject* timeout_error;                    // TimeoutError
extern PyObject* would_block_error;                // Exception
extern PyObject* resource_broken_error;            // OSError
extern PyObject* already_initialized_error;        // RuntimeError
extern PyObject* not_initialized_error;            // RuntimeError

[[nodiscard]] bool init_errors(PyObject* module);

// Sets the OSError subclass that belongs to `error`. Always null.
PyObject* raise_errno(int error);

}  // namespace tonio::python
