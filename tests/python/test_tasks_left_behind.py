"""Tasks that a run has waited for in vain: the program may go on, its end does not wait for them
again, and all others are waited for as ever."""

import itertools
import unittest

from left_behind import LEAVING
from programs import run_program

STAYS = LEAVING + """
import os, signal, sys, warnings

warnings.simplefilter("always")
"""
# The first run's task stays; what comes later has its time.
LATER = STAYS + """
tonio.run(leave(stays))
tonio.runtime().run_until_complete(leave(cleans_up))
"""
# Two Ctrl-C in a run long ago.
TWICE = STAYS + """
def interrupted():
    yield leave(stays, 1)
    signal.raise_signal(signal.SIGINT)
    try:
        yield tonio.sleep(3600)
    finally:
        signal.raise_signal(signal.SIGINT)
        yield tonio.sleep(3600)

try:
    tonio.run(interrupted())
except KeyboardInterrupt:
    print("caught")
tonio.run(tonio.sleep(0))
tonio.runtime().run_until_complete(leave(cleans_up))
"""
AGAIN = STAYS + """
tonio.run(leave(stays, 2))
tonio.run(leave(stays))
"""
# Tasks of one spawn that have not begun, behind one that does not end.
SPAWNING = STAYS + """
import atexit, threading, time

def computes():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    while True:
        pass
    yield

def spawns():
    yield [computes() for _ in range(50)]

try:
    tonio.run(spawns())
except KeyboardInterrupt:
    ended = time.monotonic()
atexit.register(lambda: print(time.monotonic() - ended))
"""
# What a clean-up starts is asked in its turn, also beside the one that stays.
STARTS = STAYS + """
def starts(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        yield leave(cleans_up)
        {then}
"""
BESIDE = STARTS.format(then="print('first')") + """
tonio.run(leave(stays))
tonio.runtime().run_until_complete(leave(starts))
"""
# And where it begins so late that its run does not ask it.
LATE = STARTS.format(then="yield stays(begun)") + """
tonio.run(leave(starts))
"""
# One that a run has given up is as any other in the next one, which waits for it.
AGAIN_IN_TIME = STAYS + """
def stays_once(begun):
    yield stays(begun, 1)
    try:
        yield tonio.sleep(3600)
    finally:
        yield leave(stays, 0)
        yield child()
        print("cleaned up")

def child():
    yield tonio.spawn(tonio.sleep(0.2))

tonio.run(leave(stays_once))
tonio.run(tonio.sleep(0))
"""
# One spawn of which a few have begun when the run ends: none of the others does any more.
NOT_BEGUN = STAYS + """
import time

steps = 0

def works():
    global steps
    steps += 1
    until = time.monotonic() + 5 / {count}  # all of them: 2.5 s of two workers
    while time.monotonic() < until:
        pass
    yield

def main():
    tonio.spawn.without_tracking(*[works() for _ in range({count})])
    yield

tonio.run(main())
print(steps)
"""
MANY = STAYS + """
def many():
    for _ in range(50):
        yield leave(stays)

tonio.run(many())
"""
AS_AN_ERROR = STAYS + """
warnings.simplefilter("error")
try:
    tonio.run(leave(stays, 2))
except RuntimeWarning as warning:
    print(warning)
"""
# In seconds.
TIMEOUT = 2
MEASURED = STAYS + """
import atexit, time

tonio.run(leave(stays))
ended = time.monotonic()
atexit.register(lambda: print(time.monotonic() - ended))
"""


class LeftBehind(unittest.TestCase):
    def test_what_comes_later_has_its_time(self):
        for threads in "1", "2", "8":
            with self.subTest(threads=threads):
                done = run_program(LATER, "--threads", threads, "--shutdown-timeout", "1")
                self.assertEqual((done.code, done.out), (0, "cleaned up\n"), done.err)
                self.assertIn("tasks that would not stop:\n  task stays, spawned at", done.err)
                self.assertNotIn("task cleans_up", done.err)

    def test_the_end_does_not_wait_again(self):
        # A busy machine stretches single programs, not all.
        self.assertTrue(any(self.waited() < TIMEOUT for _ in range(3)))

    def test_nor_for_tasks_that_have_not_begun(self):
        self.assertTrue(any(self.waited(SPAWNING, "--threads", "1") < TIMEOUT for _ in range(3)))

    def waited(self, text=MEASURED, *options):
        """How many seconds the end has waited, by the program's own clock."""
        done = run_program(text, "--shutdown-timeout", str(TIMEOUT), *options)
        return float(done.out)

    def test_what_a_clean_up_starts_beside_them(self):
        for text, said in (BESIDE, ["cleaned up", "first"]), (LATE, ["cleaned up"]):
            with self.subTest(said=said):
                done = run_program(text, "--shutdown-timeout", "1", "--threads", "1")
                lines = sorted(done.out.splitlines())
                self.assertEqual((done.code, lines), (0, said), done.err)
                self.assertIn("RuntimeWarning: 1 task would not stop", done.err)
                self.assertNotIn("task cleans_up", done.err)

    def test_the_next_run_waits_for_them(self):
        done = run_program(AGAIN_IN_TIME, "--shutdown-timeout", "1", "--threads", "2")
        self.assertEqual((done.code, done.out), (0, "cleaned up\n"), done.err)
        self.assertNotIn("tasks that would not stop", done.err)

    def test_no_time_is_a_moment(self):
        done = run_program(STAYS + "tonio.run(leave(cleans_up))", "--shutdown-timeout", "0")
        self.assertEqual((done.code, done.out, done.err), (0, "cleaned up\n", ""))

    def test_what_has_not_begun_does_not_begin(self):
        for threads, count in itertools.product(("1", "2"), (50, 500)):
            with self.subTest(threads=threads, count=count):
                done = run_program(NOT_BEGUN.format(count=count), "--threads", threads)
                self.assertEqual((done.code, done.err), (0, ""))
                self.assertLess(int(done.out), count)

    def test_many_are_counted(self):
        done = run_program(MANY, "--shutdown-timeout", "1")
        lines = done.err.splitlines()
        self.assertEqual(sum("task stays, spawned at" in line for line in lines), 20, done.err)
        self.assertEqual(lines[-1], "  and 30 more tasks")

    def test_two_interruptions_are_of_one_run(self):
        done = run_program(TWICE)
        self.assertEqual((done.code, done.out), (0, "caught\ncleaned up\n"), done.err)
        self.assertNotIn("would not stop", done.err)

    def test_each_run_tells(self):
        done = run_program(AGAIN, "--shutdown-timeout", "1")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.err.count("RuntimeWarning: 1 task would not stop"), 2, done.err)

    def test_warnings_that_are_errors(self):
        done = run_program(AS_AN_ERROR, "--shutdown-timeout", "0.2")
        said = "1 task would not stop within the shutdown timeout\n"
        self.assertEqual((done.code, done.out), (0, said), done.err)
        self.assertNotIn("Traceback", done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
