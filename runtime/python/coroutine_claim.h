// A coroutine belongs to one task, for good. CPython's own check ("already executing")
// is not atomic, so two workers that resume the same generator at once would corrupt it.
#pragma once

#include <atomic>
#include <cstdint>

#include "python/py.h"

namespace tonio::python {

namespace internal {

// Two bytes of every object's header that the interpreter leaves alone; they save a table
// of all coroutines that run.
inline std::atomic_ref<std::uint16_t> claim_word(PyObject* coroutine) {
#if PY_VERSION_HEX >= 0x030E0000
  return std::atomic_ref<std::uint16_t>(coroutine->ob_flags);
#else
  return std::atomic_ref<std::uint16_t>(coroutine->_padding);
#endif
}

inline constexpr std::uint16_t kClaimed = 0x8000;
// For shared_coroutine.cpp: somebody waits for its end; it has ended.
inline constexpr std::uint16_t kShared = 0x4000, kEnded = 0x2000;

}  // namespace internal

// A generator or a native coroutine, which is its own iterator and can be claimed.
inline bool is_coroutine(PyObject* object) {
  return PyGen_CheckExact(object) || PyCoro_CheckExact(object);
}

// False when a task has it or has had it. What is neither a generator nor a native
// coroutine needs no claim: the claim succeeds and means nothing.
[[nodiscard]] inline bool claim_coroutine(PyObject* object) {
  using namespace internal;
  return !is_coroutine(object) ||
         !(claim_word(object).fetch_or(kClaimed, std::memory_order_acq_rel) & kClaimed);
}

// Of a generator or native coroutine.
inline bool is_claimed(PyObject* coroutine) {
  return internal::claim_word(coroutine).load() & internal::kClaimed;
}

}  // namespace tonio::python
