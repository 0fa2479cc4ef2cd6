"""What a process holds: to be compared before and after something that must leave nothing."""

import ctypes
import gc
import sys

from sanitizers import SANITIZED

_C = ctypes.CDLL(None)


class _Mallinfo2(ctypes.Structure):
    # mallinfo(3)
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


_C.mallinfo2.restype = _Mallinfo2


def resident_kib():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])


class Held:
    """What the process holds now, after a collection: objects of the collector, memory blocks
    of Python's, bytes of the C++ parts, resident KiB."""

    def __init__(self):
        # Twice: what a finalizer drops goes in the second.
        gc.collect()
        gc.collect()
        self.objects = len(gc.get_objects())
        self.blocks = sys.getallocatedblocks()
        info = _C.mallinfo2()
        self.native_kib = (info.uordblks + info.hblkhd) // 1024
        self.resident_kib = resident_kib()

    def more_than(self, before):
        return {name: value - getattr(before, name) for name, value in vars(self).items()}


def check_nothing_is_left(test, use, rounds):
    """Calls use(rounds) again and again and fails `test` when each time leaves a hundredth of
    an object, a tenth of a block, or 40 bytes, for each round: what a leak does, and what an
    allocator or collector that puts something off doesn't."""
    limits = {
        "objects": rounds // 100 + 100,
        # CPython frees some blocks only when every thread has passed a safe point.
        "blocks": rounds // 10 + 2000,
    }
    # A sanitizer keeps freed memory aside and has an allocator of its own.
    if not SANITIZED:
        # What each thread's allocator keeps at hand (tcache) counts as held.
        limits["native_kib"] = min(rounds * 40 // 1024, 4096) + 1024
        limits["resident_kib"] = 8 * 1024
    use(rounds)
    held = Held()
    for _ in range(3):
        before = held
        use(rounds)
        held = Held()
        more = held.more_than(before)
        if all(more[name] < limit for name, limit in limits.items()):
            return
    test.fail(f"each time leaves {more}; the limits are {limits}")
