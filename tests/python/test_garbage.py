"""What nobody refers to any more is freed: cycles through handles and results."""

import gc
import unittest
import weakref

import tonio
from scenarios import main


class Box:
    """Something that can be referred to weakly and hold anything."""


class Garbage(unittest.TestCase):
    def freed(self, make):
        """Runs `make`, a generator function that gives an object: it must die."""

        def program():
            # A frame of its own, so that nothing here keeps the object alive.
            def called():
                return weakref.ref((yield make()))

            reference = yield called()
            yield tonio.sleep(0)
            return reference

        reference = tonio.run(program())
        gc.collect()
        gc.collect()
        self.assertIsNone(reference())

    def test_a_result(self):
        def make():
            def task():
                yield
                return Box()

            return (yield tonio.spawn(task()))

        self.freed(make)

    def test_a_cycle_through_a_result(self):
        def make():
            box = Box()

            def task():
                yield
                return box

            box.handle = tonio.spawn(task())
            yield box.handle
            return box

        self.freed(make)

    def test_a_cycle_through_a_list_of_results(self):
        def make():
            box = Box()

            def task():
                yield
                return box

            box.handle = tonio.spawn(task(), task())
            yield box.handle
            return box

        self.freed(make)

    def test_a_cycle_through_a_failure(self):
        def make():
            box = Box()

            def task():
                yield
                error = ValueError("in a cycle")
                error.box = box
                raise error

            box.handle = tonio.spawn(task())
            try:
                yield box.handle
            except* ValueError:
                pass
            return box

        self.freed(make)

    def test_a_cycle_through_a_blocking_call(self):
        def make():
            box = Box()
            box.call = tonio.spawn_blocking(lambda: box)
            yield box.call
            return box

        self.freed(make)

    def test_a_cycle_through_an_operation_never_awaited(self):
        def make():
            class Event(tonio.Event):
                pass

            event = Event()
            event.wait_ = event.wait(1)
            yield
            return event

        self.freed(make)

    def test_a_coroutine_once_it_has_ended(self):
        def make():
            def task():
                yield tonio.sleep(0)

            coroutine = task()
            yield tonio.spawn(coroutine)
            return coroutine

        self.freed(make)


if __name__ == "__main__":
    main()
