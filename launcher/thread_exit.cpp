// CPython 3.13 ends a daemon thread that comes back to it while the interpreter is finalised, with
// pthread_exit(). That unwinds the thread's stack, and where C++ frames are on it, their
// destructors would drop references without a thread state, and one that is noexcept ends the
// process. So such a thread waits for the end of the process instead, as it does in CPython 3.14.
#include <unistd.h>

// The linker puts this in the place of the pthread_exit() that CPython calls (--wrap). Extension
// modules and shared libraries keep the system's.
extern "C" [[noreturn]] void __wrap_pthread_exit(void*);  // NOLINT(*-reserved-identifier)

void __wrap_pthread_exit(void*) {  // NOLINT(*-reserved-identifier)
  for (;;) {
    pause();
  }
}
