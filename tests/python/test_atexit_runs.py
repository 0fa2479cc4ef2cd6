"""An atexit callback may run the runtime anew, but not once the program has left something behind.
Each callback runs once, whatever it leaves itself."""

import re
import unittest

from programs import Program

START = """
import atexit, os, sys, threading, tonio

never, _ = os.pipe()

def deaf(begun):
    while True:
        try:
            begun()
            os.read(never, 1)
        except BaseException:
            pass

def waits(begun):
    yield tonio.spawn_blocking(deaf, begun.set)

def leave_job():
    begun = tonio.Event()
    tonio.spawn.without_tracking(waits(begun))
    yield begun.wait()

def leave_thread():
    begun = tonio.Event()
    threading.Thread(target=deaf, args=(begun.set,), name="of the program", daemon=False).start()
    yield begun.wait()
    os.kill(os.getpid(), 15)

def computes(begun):
    begun.set()
    try:
        yield tonio.sleep(3600)
    finally:
        while True:
            pass

def leave_computing():
    begun = tonio.Event()
    tonio.spawn.without_tracking(computes(begun))
    yield begun.wait()

def says(text):
    yield
    print(text)

def refused():
    try:
        tonio.run(says("run"))
    except tonio.exceptions.RuntimeNotInitializedError as error:
        print("refused:", error)
"""
REFUSED = "refused: the program is ending, and something in it would not stop: nothing can be run any more\n"
HEADER = "tonio: leaving without what didn't stop in time (--shutdown-timeout):\n"
JOB = r"  blocking call of deaf, spawned at .* in waits\n"
COMPUTING = r"  task computes, spawned at .* in leave_computing\n"


class AtexitRuns(unittest.TestCase):
    def check(self, text, code, out, left):
        for workers in ("1", "2", "8"):
            options = ("--threads", workers, "--shutdown-timeout", "0.2")
            with (
                self.subTest(workers=workers),
                Program(START + text, *options) as program,
            ):
                done = program.end()
                self.assertEqual((done.code, done.out), (code, out), done.err)
                self.assertNotIn("Exception ignored", done.err)
                if left:
                    self.assertRegex(done.err, f"(?m){re.escape(HEADER)}{left}\\Z")
                self.assertEqual(done.err.count(HEADER), 1 if left else 0, done.err)

    def test_after_a_job_was_left(self):
        self.check(
            """
def main():
    atexit.register(print, "first registered")
    atexit.register(refused)
    atexit.register(refused)
    yield leave_job()
    sys.exit(7)
""",
            7,
            2 * REFUSED + "first registered\n",
            JOB,
        )

    def test_after_a_thread_was_left(self):
        self.check(
            """
def main():
    atexit.register(print, "first registered")
    atexit.register(refused)
    yield leave_thread()
    yield tonio.sleep(3600)
""",
            143,
            REFUSED + "first registered\n",
            "  thread of the program\n",
        )

    def test_one_that_leaves_a_job(self):
        self.check(
            """
def main():
    atexit.register(lambda: tonio.run(says("second")))
    atexit.register(lambda: [print("first"), tonio.run(leave_job())])
    sys.exit(7)
    yield
""",
            7,
            "first\nsecond\n",
            JOB,
        )

    def test_one_that_leaves_a_task_that_computes(self):
        self.check(
            """
def main():
    atexit.register(print, "second")
    atexit.register(lambda: [print("first"), tonio.run(leave_computing())])
    sys.exit(7)
    yield
""",
            7,
            "first\nsecond\n",
            COMPUTING,
        )

    def test_all_that_ends_in_time(self):
        self.check(
            """
def main():
    atexit.register(lambda: tonio.run(says("second")))
    atexit.register(lambda: tonio.run(says("first")))
    sys.exit(7)
    yield
""",
            7,
            "first\nsecond\n",
            "",
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
