"""A million short waits on one long-lived event leave nothing behind."""

import gc
import unittest
import weakref

import tonio
from leaks import check_nothing_is_left
from sanitizers import SANITIZED
from scenarios import main


class EventMemory(unittest.TestCase):
    def test_waits_that_time_out_leave_no_memory(self):
        shutdown = tonio.Event()

        def short_waits(count):
            for _ in range(count):
                yield shutdown.wait(0)

        def many(count):
            yield [short_waits(count // 10) for _ in range(10)]

        check_nothing_is_left(
            self,
            lambda count: tonio.run(many(count), threads=2),
            100_000 if SANITIZED else 1_000_000,
        )

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
