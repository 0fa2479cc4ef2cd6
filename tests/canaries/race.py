"""Two blocking threads write to the same memory without a lock."""

import ctypes
import threading

import tonio

shared = ctypes.create_string_buffer(8)


def write(begin):
    begin.wait()
    for _ in range(20_000):
        ctypes.memmove(shared, b"canary", 6)


def main():
    begin = threading.Barrier(2)
    yield [tonio.spawn_blocking(write, begin) for _ in range(2)]
