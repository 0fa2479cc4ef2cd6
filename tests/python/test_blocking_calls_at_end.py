"""Blocking calls that have not ended when their run or the program does: who waits for one that does
not hear of it, being stuck in C code, cleans up in half of the time, and the others are waited for."""

import unittest

from left_behind import LEAVING
from programs import run_program
from sanitizers import SANITIZED

# Blocking calls that hear nothing, being of C code only, and what waits for them. A line is one
# write: two workers may have something to say.
CALLS = LEAVING + """
import atexit, functools, operator, os, signal, sys, threading, time, warnings

warnings.simplefilter("always")

def say(text):
    os.write(1, (text + "\\n").encode())

def call(begun, *steps):
    return tonio.spawn_blocking(list, map(operator.call, (begun.set, *steps)))

def calls(begun, *steps):
    try:
        yield call(begun, *steps)
    finally:
        yield tonio.sleep(0.001)
        say("cleaned up")

sleep = functools.partial(time.sleep, 3600)
lock = threading.Lock()
lock.acquire()

def frees(begun, *steps):
    try:
        yield calls(begun, lock.acquire, *steps)
    finally:
        lock.release()
"""
SLEEPS = CALLS + """
tonio.run(leave(calls, sleep))
"""
# Ends measured, of the program.
AFTER = """
def tell():
    say(str(time.monotonic() - ended))

ended = time.monotonic()
atexit.register(tell)
"""
# The clean-up is what ends the call.
FREED = CALLS + """
tonio.run(leave(frees))
"""
FAILS = CALLS + """
tonio.run(leave(frees, functools.partial(int, "after all")))
say("goes on")
"""
EXITS = CALLS + """
def main():
    yield leave(frees, functools.partial(sys.exit, 3))

tonio.run(main())
"""
# It hears of its end, and cleans up by itself.
HEARS = CALLS + """
def hears(begun, goes_on):
    try:
        begun.set()
        while True:
            pass
    finally:
        time.sleep(goes_on)
        say("call")

def waits(begun, goes_on):
    try:
        yield tonio.spawn_blocking(hears, begun, goes_on)
    finally:
        say("task")

tonio.run(leave(waits, float(sys.argv[1])))
"""
BOTH = CALLS + """
def both():
    yield leave(stays)
    yield leave(calls, sleep)
    yield leave(calls, sleep)

tonio.run(both())
"""
# In a thread that the program waits for, while it is joined.
THREAD = CALLS + """
def work(begun):
    try:
        tonio.block_on(calls(begun, sleep))
    except tonio.exceptions.CancelledError:
        say("thread")

def start():
    begun = tonio.Event()
    threading.Thread(target=work, args=(begun,), daemon=False).start()
    yield begun.wait()

tonio.runtime().run_until_complete(start())
signal.raise_signal(signal.SIGINT)
"""
# Beside what an earlier run has given up, a call that nobody waits for has its time.
DROPPED = """
def drop():
    begun = tonio.Event()
    call(begun, functools.partial(time.sleep, 0.3), functools.partial(os.write, 1, b"ended\\n"))
    yield begun.wait()

tonio.runtime().run_until_complete(drop())
"""
BESIDE_A_CALL = SLEEPS + DROPPED + AFTER
BESIDE_A_TASK = CALLS + "tonio.run(leave(stays))" + DROPPED + AFTER

# A shutdown timeout, in seconds, of which half suffices for a clean-up.
GRACE = 10 if SANITIZED else 4
# One that an end measured by the program's own clock stays below.
TIMEOUT = 4


class BlockingCalls(unittest.TestCase):
    def test_who_waits_for_one_cleans_up(self):
        for threads in "1", "2", "8":
            with self.subTest(threads=threads):
                done = run_program(SLEEPS, "--threads", threads, "--shutdown-timeout", str(GRACE))
                self.assertEqual((done.code, done.out), (0, "cleaned up\n"), done.err)
                said = "RuntimeWarning: 1 blocking call would not stop within the shutdown timeout"
                self.assertIn(said, done.err)
                self.assertIn("  blocking call of list, spawned at", done.err)
                self.assertNotIn("  task", done.err)

    def test_the_end_does_not_wait_for_it_again(self):
        for text, said in (
            (SLEEPS + AFTER, ["cleaned up"]),
            (BESIDE_A_CALL, ["cleaned up", "ended"]),
            (BESIDE_A_TASK, ["ended"]),
        ):
            with self.subTest(said=said):
                self.assertTrue(any(self.waited(text, said) < TIMEOUT for _ in range(3)))

    def waited(self, text, said):
        done = run_program(text, "--shutdown-timeout", str(TIMEOUT))
        *lines, seconds = done.out.splitlines()
        self.assertEqual((done.code, lines), (0, said), done.err)
        self.assertIn("would not stop within the shutdown timeout", done.err)
        return float(seconds)

    def test_the_clean_up_may_end_it(self):
        done = run_program(FREED, "--shutdown-timeout", str(GRACE))
        self.assertEqual((done.code, done.out, done.err), (0, "cleaned up\n", ""))

    def test_what_it_raises_then_is_reported(self):
        done = run_program(FAILS, "--shutdown-timeout", str(GRACE))
        self.assertEqual((done.code, done.out), (0, "cleaned up\ngoes on\n"), done.err)
        self.assertIn("ValueError: invalid literal", done.err)
        self.assertNotIn("would not stop", done.err)

    def test_it_may_end_the_program_then(self):
        done = run_program(EXITS, "--shutdown-timeout", str(GRACE))
        self.assertEqual((done.code, done.out, done.err), (3, "cleaned up\n", ""))

    def test_one_that_hears_of_its_end_is_waited_for(self):
        done = run_program(HEARS, "--shutdown-timeout", str(GRACE), args=[str(GRACE * 0.6)])
        self.assertEqual((done.code, done.out, done.err), (0, "call\ntask\n", ""))

    def test_tasks_and_calls_are_counted(self):
        done = run_program(BOTH, "--shutdown-timeout", str(GRACE))
        self.assertEqual((done.code, done.out), (0, "cleaned up\n" * 2), done.err)
        self.assertIn("RuntimeWarning: 1 task and 2 blocking calls would not stop", done.err)

    def test_a_thread_that_waits_for_one(self):
        done = run_program(THREAD, "--shutdown-timeout", str(GRACE))
        self.assertEqual((done.code, done.out), (130, "cleaned up\nthread\n"), done.err)
        self.assertIn("  blocking call of list, spawned at", done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
