"""--shutdown-timeout: what would not stop is waited for so long, and not longer."""

import time
import unittest

from programs import run_program

START = """
import atexit, time
import tonio

def stays(begun):
    begun.set()
    while True:
        try:
            yield tonio.Event().wait()
        except tonio.exceptions.CancelledError:
            pass

def sleeps(begun):
    begun.set()
    time.sleep(3600)

ends = []
atexit.register(lambda: print(time.monotonic() - ends[0]))

def program():
    begun = tonio.Event()
    {leave}
    yield begun.wait()
    ends.append(time.monotonic())
"""
LEFTOVERS = {
    "task": "tonio.spawn.without_tracking(stays(begun))",
    "blocking call": "tonio.spawn_blocking(sleeps, begun)",
}
# A run waits for the tasks that it leaves; what this one lets go on the end of the program does.
RUNS = {
    "run": "tonio.run(program())",
    "runtime": "tonio.runtime().run_until_complete(program())",
}
SHORT, LONG = 0.2, 2


def waited(text, timeout):
    """How long such a program has waited, by its own clock, and how long it took in all."""
    begins = time.monotonic()
    done = run_program(text, "--shutdown-timeout", str(timeout))
    return float(done.out), time.monotonic() - begins


class ShutdownTimeout(unittest.TestCase):
    def test_it_is_used_and_not_exceeded(self):
        for leftover, leave in LEFTOVERS.items():
            for name, run in RUNS.items():
                with self.subTest(f"{leftover}, {name}"):
                    text = START.format(leave=leave) + run
                    self.assertGreaterEqual(waited(text, LONG)[0], LONG)
                    # A busy machine stretches single programs, not all.
                    self.assertTrue(any(waited(text, SHORT)[1] < LONG for _ in range(3)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
