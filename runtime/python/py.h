// Python.h, and ownership of Python objects made visible.
#pragma once

#include <Python.h>

#include <atomic>
#include <utility>

#ifndef Py_GIL_DISABLED
#error "tonio embeds free-threaded CPython only; this one has the GIL"
#endif

namespace tonio::python {

// Owns one strong reference, or nothing. Only for attached threads.
class Ref {
 public:
  Ref() = default;
  Ref(Ref&& other) noexcept : object_(other.release()) {}
  Ref& operator=(Ref&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }

  // Takes over a reference that the caller owns.
  static Ref steal(PyObject* object) { return Ref(object); }
  // Adds a reference to an object that somebody else owns.
  static Ref borrow(PyObject* object) { return Ref(Py_XNewRef(object)); }

  PyObject* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  // The reference is the caller's from now on.
  [[nodiscard]] PyObject* release() { return std::exchange(object_, nullptr); }
  void reset(PyObject* owned = nullptr) { Py_XDECREF(std::exchange(object_, owned)); }

 private:
  explicit Ref(PyObject* owned) : object_(owned) {}

  PyObject* object_ = nullptr;
};

// A new reference, for another thread to drop. Counted among those of other threads: if the owner
// of the object had counted it for itself, CPython would hand the object back to it for that, under
// a lock, and the owner would have to come to a bytecode (PEP 703, biased reference counting).
inline PyObject* new_shared_ref(PyObject* object) {
  if (!_Py_IsImmortal(object)) {
    std::atomic_ref(object->ob_ref_shared)
        .fetch_add(Py_ssize_t{1} << _Py_REF_SHARED_SHIFT, std::memory_order_relaxed);
  }
  return object;
}

// The same reference, if any, for another thread to drop; an object that nobody else refers to has
// no owner from now on, and is freed by who drops it.
inline PyObject* share(Ref reference) {
  return reference ? new_shared_ref(reference.get()) : nullptr;
}

// Detached for the life of this object, on whichever thread.
class Detached {
 public:
  Detached() : state_(PyEval_SaveThread()) {}
  // A daemon thread that attaches while the interpreter is finalised stays here
  // (launcher/thread_exit.cpp).
  ~Detached() { PyEval_RestoreThread(state_); }
  Detached(const Detached&) = delete;
  Detached& operator=(const Detached&) = delete;

 private:
  PyThreadState* state_;
};

// A type object of static storage, empty but for its header: the caller fills in what the
// type has before PyType_Ready. Static types are immortal, so making objects of them
// touches no reference count that threads share.
constexpr PyTypeObject empty_type() {
  PyTypeObject type{};
  type.ob_base = {PyObject_HEAD_INIT(nullptr) 0};
  return type;
}

}  // namespace tonio::python
