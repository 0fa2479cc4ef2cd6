"""malloc that fails once: tonio's C++ code, mbedTLS, libuv and libc take their memory from it.
CPython's objects come from elsewhere (mimalloc over mmap), so they are not concerned; what it has
from PyMem_RawMalloc is.

    preload = Preload(failing_malloc.SOURCE)         # the test
    from failing_malloc import Failing, walk         # the program, which runs with preload.environment
"""

import itertools
import os

# Armed and disarmed through getpriority(2), a call that takes no memory on its way.
ARM, ARM_SIZE, DISARM = 7001, 7002, 7003

SOURCE = f"""
#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>

#define OF_THREAD static __thread __attribute__((tls_model("initial-exec")))
OF_THREAD unsigned left;    /* calls up to the one that fails; 0: not armed */
OF_THREAD unsigned least;   /* smaller ones don't count */
OF_THREAD int has_failed;

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int fails(size_t size) {{
  if (left == 0 || size < least || --left != 0) return 0;
  has_failed = 1;
  errno = ENOMEM;
  return 1;
}}

void *malloc(size_t size) {{ return fails(size) ? NULL : __libc_malloc(size); }}
void *calloc(size_t count, size_t size) {{ return fails(count * size) ? NULL : __libc_calloc(count, size); }}
void *realloc(void *old, size_t size) {{ return fails(size) ? NULL : __libc_realloc(old, size); }}
void *memalign(size_t to, size_t size) {{ return fails(size) ? NULL : __libc_memalign(to, size); }}
void *aligned_alloc(size_t to, size_t size) {{ return fails(size) ? NULL : __libc_memalign(to, size); }}
int posix_memalign(void **made, size_t to, size_t size) {{
  *made = fails(size) ? NULL : __libc_memalign(to, size);
  return *made ? 0 : ENOMEM;
}}

int getpriority(__priority_which_t which, id_t who) {{
  static int (*real)(__priority_which_t, id_t);
  int seen = has_failed;
  switch ((int)which) {{
    case {ARM}: left = who; least = 0; has_failed = 0; return 0;
    case {ARM_SIZE}: left = 1; least = who; has_failed = 0; return 0;
    case {DISARM}: left = 0; return seen;
  }}
  if (!real) real = dlsym(RTLD_NEXT, "getpriority");
  return real(which, who);
}}
"""


class Failing:
    """In its block the calling thread's call number `n` of malloc fails, or the first one of at
    least `size` bytes. A MemoryError that leaves the block is noted and goes no further."""

    def __init__(self, n=0, size=0):
        self.how = (ARM_SIZE, size) if size else (ARM, n)
        self.failed = self.raised = False

    def __enter__(self):
        os.getpriority(*self.how)
        return self

    def __exit__(self, kind, error, traceback):
        self.failed = bool(os.getpriority(DISARM, 0))
        self.raised = kind is not None and issubclass(kind, MemoryError)
        return self.raised


def walk(case):
    """Lets each call of malloc in the block of `case` fail, one after the other, until there are no
    more; gives how many MemoryErrors that made. `case(failing)` is a generator that looks after
    each, whether all is well."""
    raised = 0
    for n in itertools.count(1):
        failing = Failing(n)
        yield case(failing)
        raised += failing.raised
        if not failing.failed:
            return raised
        if n > 100_000:
            raise RuntimeError("there is no end of calls of malloc")
