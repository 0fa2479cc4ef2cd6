"""Which sanitizers the binary under test is built with."""

import ctypes

ADDRESS_SANITIZER = hasattr(ctypes.CDLL(None), "__asan_init")
THREAD_SANITIZER = hasattr(ctypes.CDLL(None), "__tsan_init")
SANITIZED = ADDRESS_SANITIZER or THREAD_SANITIZER
