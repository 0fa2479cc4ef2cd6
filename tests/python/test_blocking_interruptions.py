"""The CancelledError that interrupts a blocking call reaches the call, whatever runs on its thread
when it comes."""

import gc
import threading
import unittest

import tonio
from programs import run_program
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError

# Most of the time such a call is inside of what drops exceptions.
LOOP = """
import tonio, weakref

def takes_long(*_):
    for _ in range(300):
        pass

class Thing:
    __del__ = takes_long

class Odd:
    def __eq__(self, other):
        takes_long()
        return True
    def __getattr__(self, name):
        takes_long()
        raise AttributeError(name)

def finalizes():
    Thing()

def calls_back():
    weakref.ref(type("Local", (), {})(), takes_long)

def asks():
    hasattr(Odd(), "name")

begun = tonio.Event()

def job(work):
    begun.set()
    while True:
        work()

def main():
    for _ in range(20):
        begun.clear()
        with tonio.scope() as scope:
            scope.spawn(tonio.spawn_blocking(job, WORK))
            yield begun.wait()
            scope.cancel()
        yield scope()
"""


class BlockingInterruptions(unittest.TestCase):
    def test_one_that_comes_where_exceptions_are_dropped_comes_again(self):
        for work in ("finalizes", "calls_back", "asks"):
            for threads in ("1", "2"):
                with self.subTest(work, threads=threads):
                    done = run_program(LOOP.replace("WORK", work), "--threads", threads)
                    self.assertEqual((done.code, done.out), (0, ""))


class Caught(Scenarios):
    def caught(self, handle):
        """What handle(exception) gives in a call that was interrupted, and what goes on then."""
        begun, got = threading.Event(), []

        def job():
            try:
                begun.set()
                while True:
                    pass
            except CancelledError as interruption:
                got.append(handle(interruption))
                del interruption
            gc.collect()
            for _ in range(1000):
                pass
            got.append("went on")

        with tonio.scope() as scope:
            scope.spawn(tonio.spawn_blocking(job))
            while not begun.is_set():
                yield tonio.sleep(0)
            scope.cancel()
        yield scope()
        return got

    def test_one_that_is_caught_does_not_come_again(self):
        for _ in range(50):
            got = yield self.caught(lambda interruption: None)
            self.assertEqual(got, [None, "went on"])

    def test_in_the_call_it_is_a_cancelled_error(self):
        def kind(interruption):
            return isinstance(interruption, CancelledError), type(interruption).__name__

        got = yield self.caught(kind)
        self.assertEqual(got, [(True, "CancelledError"), "went on"])

    def test_who_waits_afterwards_gets_a_cancelled_error_like_others(self):
        begun = threading.Event()

        def job():
            begun.set()
            while True:
                pass

        call = tonio.spawn_blocking(job)
        with tonio.scope() as scope:
            scope.spawn(call)
            while not begun.is_set():
                yield tonio.sleep(0)
            scope.cancel()
        yield scope()
        try:
            yield call
        except CancelledError as cancelled:
            self.assertIs(type(cancelled), CancelledError)
        else:
            self.fail("it was not cancelled")


if __name__ == "__main__":
    main()
