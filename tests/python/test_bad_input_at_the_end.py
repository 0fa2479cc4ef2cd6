"""tonio used by finalizers that run while the interpreter ends, and by atexit callbacks: told
that it is over, or done; nothing hangs."""

import unittest

from programs import run_program

PROGRAM = """
import atexit, gc, os, tonio

def say(text):
    os.write(1, text.encode() + b"\\n")

def sleeps():
    yield tonio.sleep(0)
    return 1

def act():
    coroutine = sleeps()
    try:
        say(f"gave {ACT}")
    except RuntimeError as error:
        say(f"{type(error).__name__}: {error}")
    coroutine.close()

class Dying:
    def __del__(self):
        act()

def main():
    yield tonio.sleep(0)
    if WHEN == "atexit":
        atexit.register(act)
    else:
        # Found by the last collection, which the interpreter's end makes.
        gc.disable()
        cycle = Dying()
        cycle.itself = cycle, act, sleeps, say, tonio, os
"""


class AtTheEnd(unittest.TestCase):
    def output(self, act, when):
        program = f"WHEN = {when!r}\n" + PROGRAM.replace("ACT", act)
        ended = run_program(program, "--threads", "2")
        self.assertEqual((ended.code, ended.err), (0, ""))
        return ended.out

    def test_a_finalizer_can_not_begin_a_run(self):
        for act in ("tonio.run(coroutine)", "tonio.block_on(coroutine)",
                    "tonio.runtime().run_forever()"):  # fmt: skip
            with self.subTest(act):
                self.assertIn("the program is ending", self.output(act, "finalizer"))

    def test_a_finalizer_can_not_spawn(self):
        out = self.output("tonio.spawn(coroutine)", "finalizer")
        self.assertIn("RuntimeNotInitializedError: there is no runtime", out)

    def test_what_needs_no_runtime_works(self):
        out = self.output("tonio.Event().set()", "finalizer")
        self.assertEqual(out, "gave True\n")

    def test_an_atexit_callback_may_run(self):
        self.assertEqual(self.output("tonio.run(coroutine)", "atexit"), "gave 1\n")


class KeptInGlobals(unittest.TestCase):
    """Their finalizers run when the modules are empty."""

    def check(self, text, err):
        for threads in ("1", "2", "8"):
            ended = run_program(text, "--threads", threads)
            self.assertEqual((ended.code, ended.out), (0, ""))
            self.assertRegex(ended.err, err)

    def test_the_pipes_of_a_process(self):
        self.check(
            """
            import subprocess, tonio
            kept = []
            def main():
                process = yield tonio.open_process(
                    ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                kept.append((process.stdin, process.stdout))
                process.kill()
                yield process.wait()
            """,
            r"\A\Z",
        )

    def test_a_failure_of_as_completed_that_nobody_got(self):
        self.check(
            """
            import tonio
            kept = []
            begun = tonio.Event()
            def fails():
                begun.set()
                yield
                raise ValueError("nobody got it")
            def main():
                kept.append(tonio.as_completed(fails(), tonio.sleep(3600)))
                yield begun.wait()
                while not kept[0]._failures:
                    yield
            """,
            r"(?s)\Atonio: a coroutine of as_completed\(\) failed and nobody awaited it\n"
            r"Traceback .*\nValueError: nobody got it\n\Z",
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
