"""tonio.exceptions and tonio.time."""

import builtins
import time
import unittest

import tonio
from scenarios import main
from tonio import exceptions


class Exceptions(unittest.TestCase):
    def test_have_their_places_among_the_standard_ones(self):
        self.assertTrue(issubclass(exceptions.CancelledError, BaseException))
        self.assertFalse(issubclass(exceptions.CancelledError, Exception))
        self.assertTrue(issubclass(exceptions.TimeoutError, builtins.TimeoutError))
        self.assertTrue(issubclass(exceptions.WouldBlock, Exception))
        self.assertTrue(issubclass(exceptions.ResourceBroken, OSError))
        self.assertTrue(issubclass(exceptions.RuntimeAlreadyInitializedError, RuntimeError))
        self.assertTrue(issubclass(exceptions.RuntimeNotInitializedError, RuntimeError))

    def test_say_where_they_are(self):
        for name in exceptions.__all__:
            error = getattr(exceptions, name)
            self.assertEqual((error.__module__, error.__qualname__), ("tonio.exceptions", name))
            self.assertTrue(error.__doc__)


class Clock(unittest.TestCase):
    def test_is_monotonic_with_microseconds(self):
        last = tonio.time.time()
        values = set()
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            now = tonio.time.time()
            self.assertGreaterEqual(now, last)
            last = now
            values.add(now)
        self.assertGreater(len(values), 25)

    def test_counts_seconds(self):
        start, start_here = tonio.time.time(), time.monotonic()
        time.sleep(0.05)
        passed, passed_here = tonio.time.time() - start, time.monotonic() - start_here
        self.assertGreaterEqual(passed, 0.0499)
        self.assertLess(passed, passed_here + 0.001)

    def test_sleep_is_the_same(self):
        self.assertIs(tonio.time.sleep, tonio.sleep)


if __name__ == "__main__":
    main()
