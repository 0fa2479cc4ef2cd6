"""Daemon threads that are inside of tonio while the program ends: they stay where they are, as python
has it, and neither crash nor delay it."""

import unittest

from programs import run_program

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
# The stop waits for the job until the thread is refused; or for its time, where the end has come
# while the thread was in a run.
RUNS = """
import select

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
    tonio.spawn_blocking(select.select, [read], [], [], 1)
    yield

tonio.block_on(main())
begin(work)
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
        refused = 0
        for call in (RUNS.format(""), RUNS.format(", threads=numbers[0]")):
            for _ in range(3):
                done = run_program(START + call)
                self.assertEqual(done.code, 0, done.err)
                self.assertNotIn("leaving without", done.err)
                self.assertIn(done.out, (REFUSAL, ""))
                refused += bool(done.out)
        self.assertGreater(refused, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
