"""A million short waits on one long-lived event leave nothing behind."""

import gc
import unittest
import weakref

import tonio
from scenarios import main


def resident_kib():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])


class EventMemory(unittest.TestCase):
    def test_waits_that_time_out_leave_no_memory(self):
        shutdown = tonio.Event()

        def short_waits(count):
            for _ in range(count):
                yield shutdown.wait(0)

        def many(count):
            yield [short_waits(count // 10) for _ in range(10)]

        tonio.run(many(100_000), threads=2)
        before = resident_kib()
        tonio.run(many(1_000_000), threads=2)
        self.assertLess(resident_kib() - before, 8 * 1024)

    def test_an_event_dies_after_its_waits(self):
        def waits():
            event = tonio.Event()
            reference = weakref.ref(event)
            yield [event.wait(0.0001) for _ in range(1000)]
            return reference

        reference = tonio.run(waits())
        gc.collect()
        self.assertIsNone(reference())


if __name__ == "__main__":
    main()
