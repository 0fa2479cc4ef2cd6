// Invariants that no input can break: a failed check is a bug of ours.
#pragma once

namespace tonio::base {

// Prints the broken invariant with its place to standard error and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace tonio::base

#define TONIO_CHECK(condition) \
  ((condition) ? (void)0 : ::tonio::base::check_failed(#condition, __FILE__, __LINE__))

// For hot paths: checked in builds with assertions, free otherwise.
#ifdef NDEBUG
#define TONIO_DCHECK(condition) ((void)sizeof(condition))
#else
#define TONIO_DCHECK(condition) TONIO_CHECK(condition)
#endif
