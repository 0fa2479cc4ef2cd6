"""Which sanitizers the binary under test is built with."""

import ctypes

ADDRESS_SANITIZER = hasattr(ctypes.CDLL(None), "__asan_init")
THREAD_SANITIZER = hasattr(ctypes.CDLL(None), "__tsan_init")
SANITIZED = ADDRESS_SANITIZER or THREAD_SANITIZER

# For programs whose memory LeakSanitizer can't judge: a forked child, where it misses the threads
# whose stacks refer to it, and OpenSSL's, which is never given back.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}
