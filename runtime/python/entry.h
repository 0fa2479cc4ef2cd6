// What the interpreter calls in C++: CPython knows no C++ exceptions, and the one that C++ throws
// where memory is short becomes a MemoryError of the call.
//
// A function that may throw leaves everything as it was, as it does where it fails otherwise: what
// needs memory comes before what changes anything, references and claims have owners. Where nothing
// is thrown this costs nothing.
#pragma once

#include <new>

#include "python/py.h"

namespace tonio::python {

namespace internal {

// What each kind of slot gives with an exception set.
template <typename Result>
inline constexpr Result kFailed = Result(-1);
template <>
inline constexpr PyObject* kFailed<PyObject*> = nullptr;

template <auto function, typename Signature = decltype(function)>
struct Entry;

template <auto function, typename Result, typename... Arguments>
struct Entry<function, Result (*)(Arguments...)> {
  static Result call(Arguments... arguments) {
    try {
      return function(arguments...);
    } catch (const std::bad_alloc&) {
      PyErr_NoMemory();
      return kFailed<Result>;
    }
  }
};

}  // namespace internal

// `function` as a type's slot.
template <auto function>
inline constexpr auto entry = &internal::Entry<function>::call;

// `function`, of whatever calling convention, as PyMethodDef wants it.
template <auto function>
PyCFunction as_cfunction() {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(entry<function>));
}

}  // namespace tonio::python
