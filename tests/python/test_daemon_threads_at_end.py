"""Daemon threads, and blocking calls, that are inside of tonio while the program ends: they stay where
they are, as python has it, or are refused, and neither crash nor delay it."""

import subprocess
import unittest

from programs import TIMEOUT, TONIO, clean_environment, run_program
from sanitizers import SANITIZED

START = """
import os, sys, threading, time, tonio

class LongEnd:
    '''The interpreter's end takes a while: the threads wake up in it.'''
    def __del__(self, sleep=time.sleep):
        sleep(0.3)

inside = threading.Event()

async def nothing():
    pass

def begin(work):
    threading.Thread(target=work, daemon=True).start()
    inside.wait()
"""
# It holds the exception that has ended the run.
IN_RUN = """
async def quits():
    sys.exit(3)

async def cleans():
    tonio.spawn.without_tracking(quits())
    try:
        await tonio.sleep(3600)
    finally:
        inside.set()
        await tonio.sleep(0.12)

begin(lambda: tonio.run(cleans()))
long_end = LongEnd()
"""
# It holds the coroutines that it has made; Python code has called it, and is called by it.
IN_MAP = """
def slow(number):
    inside.set()
    time.sleep(0.1)
    return nothing()

begin(lambda: tonio.map(slow, range(100)))
long_end = LongEnd()
"""
# A finalizer, called by the drop of a reference.
IN_DROP = """
class Slow:
    def __del__(self):
        inside.set()
        time.sleep(0.2)

async def gives(box, given):
    given.set()
    return box.pop()

def work():
    given = threading.Event()
    handle = tonio.spawn(gives([Slow()], given))
    given.wait()
    tonio.block_on(nothing())
    del handle

begin(work)
long_end = LongEnd()
"""
# The stop waits for the job until the thread is refused.
RUNS = """
read, write = os.pipe()
numbers = [2, 3]

def work():
    while True:
        numbers.reverse()
        coroutine = nothing()
        try:
            tonio.run(coroutine{})
        except tonio.exceptions.RuntimeNotInitializedError as refusal:
            coroutine.close()
            os.write(1, f"{{refusal}}\\n".encode())
            os.write(write, b"x")
            return
        except tonio.exceptions.CancelledError:
            pass
        inside.set()

def main():
    tonio.spawn_blocking(os.read, read, 1)
    yield

tonio.block_on(main())
begin(work)
"""
RUNS_IN_A_JOB = """
def job():
    while True:
        coroutine = nothing()
        try:
            tonio.run(coroutine{})
        except tonio.exceptions.RuntimeNotInitializedError as refusal:
            coroutine.close()
            os.write(1, f"{{refusal}}\\n".encode())
            return
        except tonio.exceptions.RuntimeAlreadyInitializedError:  # main's
            coroutine.close()
            continue
        except tonio.exceptions.CancelledError:
            pass
        inside.set()
        numbers.reverse()

numbers = [2, 3]

def main():
    tonio.spawn_blocking(job)
    yield

tonio.block_on(main())
inside.wait()
"""
# A worker is in the finalizer when the thread wants other workers.
RESTARTS = """
class Slow:
    def __del__(self):
        inside.set()
        time.sleep(3600)

box = []

async def makes():
    box.append(Slow())

def work():
    box.clear()  # the worker that has made it gets a note
    while not inside.wait(0.01):
        tonio.block_on(nothing())  # wakes workers
    os.write(1, b"a run\\n")
    tonio.run(nothing(), threads=3)
    os.write(1, b"has ended\\n")

tonio.run(makes(), threads=2)
begin(work)
time.sleep(0.3)
"""
# Of a plain Python, whose end comes while the thread starts the runtime.
STARTS = """
import sys, threading, time, tonio

async def nothing():
    pass

def work():
    coroutine = nothing()
    inside.set()
    try:
        tonio.run(coroutine)
    except tonio.exceptions.RuntimeNotInitializedError:
        coroutine.close()
    except tonio.exceptions.CancelledError:
        pass

inside = threading.Event()
threading.Thread(target=work, daemon=True).start()
inside.wait()
time.sleep(float(sys.argv[1]))
"""
REFUSAL = "the program is ending: nothing can be run any more\n"


class DaemonThreadsAtEnd(unittest.TestCase):
    def test_they_stay_where_they_are(self):
        for text in (IN_RUN, IN_MAP, IN_DROP):
            for threads in ("1", "2", "8"):
                with self.subTest(text=text, threads=threads):
                    done = run_program(START + text, "--threads", threads)
                    self.assertEqual((done.code, done.out, done.err), (0, "", ""))

    def test_they_start_nothing_while_the_runtime_stops(self):
        for text in (RUNS, RUNS_IN_A_JOB):
            for options in ("", ", threads=numbers[0]"):
                for _ in range(3):
                    done = run_program(START + text.format(options))
                    self.assertEqual((done.code, done.out), (0, REFUSAL), done.err)
                    self.assertNotIn("leaving without", done.err)

    def test_the_end_waits_no_longer_for_one_that_restarts_the_workers(self):
        done = run_program(START + RESTARTS, "--shutdown-timeout", "0.3")
        self.assertEqual((done.code, done.out), (0, "a run\n"))
        self.assertIn("leaving without", done.err)

    def test_one_that_starts_the_runtime_of_a_plain_python(self):
        for seconds in ("0", "0.002", "0.005", "0.01"):
            for _ in range(2):
                done = subprocess.run(
                    [TONIO, "-c", STARTS, seconds],
                    env=clean_environment(TONIO_THREADS="64" if SANITIZED else "256"),
                    capture_output=True,
                    text=True,
                    timeout=TIMEOUT,
                )
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
