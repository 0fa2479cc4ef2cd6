"""Objects that are made on one thread and dropped on another: each dies once."""

import gc
import threading
import time
import unittest

import tonio
from scale import scaled
from scenarios import main


class Counted:
    lock = threading.Lock()
    made = 0
    dropped = 0

    def __init__(self):
        with Counted.lock:
            Counted.made += 1

    def __del__(self):
        with Counted.lock:
            Counted.dropped += 1


class SharedObjects(unittest.TestCase):
    def check(self, program, threads):
        Counted.made = Counted.dropped = 0
        tonio.run(program(), threads=threads)
        # A worker may still be letting go of what the last task had.
        end = time.monotonic() + 10
        while Counted.dropped != Counted.made and time.monotonic() < end:
            gc.collect()
            time.sleep(0.001)
        self.assertEqual(Counted.dropped, Counted.made)
        self.assertGreater(Counted.made, 0)

    def test_results_that_many_tasks_hold(self):
        def makes():
            yield
            return [Counted() for _ in range(20)]

        def holds(things):
            for _ in range(10):
                mine = [things[i] for i in range(20)]
                yield
                mine.reverse()

        def program():
            for _ in range(scaled(150)):
                things = yield tonio.spawn(makes())
                yield [holds(things) for _ in range(16)]

        for threads in (1, 2, 8):
            self.check(program, threads)

    def test_arguments_of_blocking_calls(self):
        def call(thing):
            return thing, Counted()

        def calls():
            for _ in range(20):
                yield tonio.map_blocking(call, [Counted() for _ in range(10)])

        def program():
            yield [calls() for _ in range(scaled(20))]

        for threads in (1, 2):
            self.check(program, threads)

    def test_failures_that_many_tasks_see(self):
        def fails():
            yield
            error = ValueError()
            error.thing = Counted()
            raise error

        def sees(handle):
            try:
                yield handle
            except* ValueError:
                pass

        def program():
            for _ in range(scaled(300)):
                handle = tonio.spawn(fails(), fails())
                yield [sees(handle) for _ in range(10)]

        for threads in (1, 2, 8):
            self.check(program, threads)


if __name__ == "__main__":
    main()
