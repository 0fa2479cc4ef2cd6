"""Memory that nobody gives back, nor refers to."""

import ctypes

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]


def main():
    for _ in range(100):
        libc.malloc(64)
    yield
