// One failure that several tasks are told of. An exception that is raised changes (its traceback
// grows, its context is set), so each of them raises an object of its own.
#pragma once

#include "python/py.h"

namespace tonio::python {

// A new exception of the same type with the arguments, attributes, slots, notes, cause, context and
// traceback that this one has now; no method of its class is called (but __del__, when the copy
// goes). `exception` itself where it can't be copied, as where a class of an extension module has
// fields of its own. Never fails; no exception is set.
Ref copy_exception(PyObject* exception);

}  // namespace tonio::python
