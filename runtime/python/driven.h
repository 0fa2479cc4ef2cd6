// What an awaitable of the interpreter's own stands for.
#pragma once

#include "python/py.h"

namespace tonio::python {

// Generators, coroutines and asynchronous generators begin alike. Null for anything else.
PyGenObject* as_generator(PyObject* object);

// What an object of the interpreter's stands for that drives a coroutine: coroutine.__await__(),
// and the steps of an asynchronous generator. Borrowed or null. Makes no object and runs no code:
// the world may be stopped.
PyObject* driven_by(PyObject* object);

}  // namespace tonio::python
