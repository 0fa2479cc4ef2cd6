// CPython 3.13 ends a daemon thread that comes back to it while the interpreter is finalised, with
// pthread_exit(). That unwinds the thread's stack, and where C++ frames are on it, their
// destructors would drop references without a thread state, and one that is noexcept ends the
// process. So such a thread waits for the end of the process instead, as it does in CPython 3.14.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#ifndef TONIO_PYTHON_IS_STATIC
#include "python/py.h"
#endif

namespace {

[[noreturn]] void wait_for_end_of_process() {
  for (;;) {
    pause();
  }
}

}  // namespace

#ifdef TONIO_PYTHON_IS_STATIC

// The linker puts this in the place of the pthread_exit() that CPython calls (--wrap). Extension
// modules and shared libraries keep the system's.
extern "C" [[noreturn]] void __wrap_pthread_exit(void*);  // NOLINT(*-reserved-identifier)

void __wrap_pthread_exit(void*) {  // NOLINT(*-reserved-identifier)
  wait_for_end_of_process();
}

#else

namespace {

bool is_in_libpython(const void* address) {
  Dl_info there{};
  Dl_info libpython{};
  return dladdr(address, &there) != 0 &&
         dladdr(reinterpret_cast<const void*>(&Py_IsFinalizing), &libpython) != 0 &&
         there.dli_fbase == libpython.dli_fbase;
}

}  // namespace

// Before the system's in the order of symbols, so a shared libpython gets it; and all else that
// is loaded, whose threads end as ever.
[[gnu::visibility("default")]] void pthread_exit(void* result) {
  if (is_in_libpython(__builtin_return_address(0))) {
    wait_for_end_of_process();
  }
  reinterpret_cast<decltype(&pthread_exit)>(dlsym(RTLD_NEXT, "pthread_exit"))(result);
  __builtin_unreachable();
}

#endif
