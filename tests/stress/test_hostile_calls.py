"""Every public callable, class, method and attribute, and those of the native module, with
hostile arguments: a documented exception or a result, never a crash, a hang, a SystemError or
an exception that tells of our own lines.

A child process makes the calls (tests/support/hostile), so that one that dies names the call
which it died in. It calls everything once, and then what it draws. By hand, and for longer:

    PYTHONPATH=tests/support TONIO_STRESS=60 TONIO_STRESS_SEED=7 build/bin/tonio tests/stress/test_hostile_calls.py
"""

import importlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from hostile import surface
from hostile.caller import LEFT_OUT
from programs import TONIO, clean_environment
from sanitizers import ADDRESS_SANITIZER, SANITIZED
from scale import FACTOR
from scenarios import main

SECONDS = 8 * FACTOR
# No call takes this long by itself: RSA keys are what takes longest.
HANGS_AFTER = 120 if SANITIZED else 30
# In standard error: what never belongs there.
NEVER = ("SystemError", "Fatal Python error", "Sanitizer", "runtime error:", "TONIO_CHECK")
KEPT_LINES = 12
CALLER = ("-m", "hostile.caller")

# The caller with one callable, which does what the test has to notice.
WITH_CANARY = """
import os, sys, time
from hostile import caller, surface

def at(path, text):
    names = {{}}
    exec(compile(text, path, "exec"), names)
    return names["canary"]

def canary(*args, **kwargs):
    {does}

{replaces}
surface.callables = lambda: {{"canary": canary}}
caller.main(*sys.argv[1:])
"""


def called(log):
    """The last lines of the log: the last one that tells of a call is where it ended."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-KEPT_LINES:])


class Calls(unittest.TestCase):
    """Makes them in a child process, and judges what has come of it."""

    def check(self, place, found=None, program=CALLER, seconds=SECONDS, hangs_after=HANGS_AFTER):
        """`found` is what has to be called, by default all that there is."""
        if found is None:
            found = surface.callables().keys() - LEFT_OUT.keys()
        seed = random.getrandbits(32)
        print(f"{place}: seed {seed}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            log = pathlib.Path(folder, "log")
            log.touch()
            errors = pathlib.Path(folder, "stderr")
            files = pathlib.Path(folder, "files")
            files.mkdir()
            with errors.open("wb") as stderr:
                child = subprocess.Popen(
                    [TONIO, *program, str(seed), place, str(seconds), files, log],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    env=_environment(folder),
                    start_new_session=True,
                )
            try:
                self.wait(child, log, errors, hangs_after)
            finally:
                # With what it has started.
                try:
                    os.killpg(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                child.wait()
            self.judge(child.returncode, log, errors, found)

    def wait(self, child, log, errors, hangs_after):
        """Until it ends; a log that does not grow is a call that hangs."""
        size, grown = -1, time.monotonic()
        while True:
            try:
                child.wait(1)
                return
            except subprocess.TimeoutExpired:
                pass
            if log.stat().st_size != size:
                size, grown = log.stat().st_size, time.monotonic()
            elif time.monotonic() - grown > hangs_after:
                child.send_signal(signal.SIGABRT)  # faulthandler tells where all threads are
                child.wait()
                self.fail(f"hangs in the last of\n{called(log)}\n{_without_idle(errors)}")

    def judge(self, code, log, errors, found):
        text = log.read_text(errors="replace")
        said = errors.read_text(errors="replace")
        self.assertEqual(code, 0, f"ended by {code} in the last of\n{called(log)}\n{said[-8000:]}")
        bad = [line for line in text.splitlines() if line.startswith("BAD")]
        self.assertFalse(bad, "\n".join(bad[:5]).replace("\\n", "\n"))
        for never in NEVER:
            at = said.find(never)
            self.assertEqual(at, -1, f"{never}: {said[max(0, at - 3000):at + 3000]}")
        last = text.splitlines()[-1]
        self.assertTrue(last.startswith("DONE"), called(log))
        # "12 worker tonio.sleep(nan)": a number, where, and what is called.
        words = (line.split(" ", 2) for line in text.splitlines())
        names = {word[2].partition("(")[0] for word in words if word[0].isdecimal()}
        self.assertFalse(sorted(found - names), "not called")
        print(last, file=sys.stderr, flush=True)


class HostileCalls(Calls):
    def test_nothing_public_is_left_out(self):
        found = {id(value) for value in surface.callables().values()}
        for module in "tonio", "tonio.sync", "tonio.net", "tonio.net.tls", "tonio.fs", "tonio.time":
            module = importlib.import_module(module)
            for name in module.__all__:
                value = getattr(module, name)
                if callable(value):
                    self.assertIn(id(value), found, f"{module.__name__}.{name}")
        for name in LEFT_OUT:
            self.assertIn(name, surface.callables())

    def test_in_a_task(self):
        self.check("worker")

    def test_on_another_thread(self):
        self.check("thread")

    def test_outside_of_a_run(self):
        self.check("main")

    def test_on_several_threads_at_once(self):
        self.check("together")


class Canaries(Calls):
    """That what goes wrong is noticed."""

    def check_canary(self, does, said=None, replaces="", found=("canary",), **more):
        text = WITH_CANARY.format(does=does, replaces=replaces)
        arguments = {"found": set(found), "program": ("-c", text), "seconds": 0, **more}
        if said is None:
            self.check("worker", **arguments)
            return
        with self.assertRaisesRegex(self.failureException, said):
            self.check("worker", **arguments)

    def test_nothing_wrong(self):
        self.check_canary("raise ValueError")

    def test_a_system_error(self):
        self.check_canary("raise SystemError('of the canary')", r"BAD 1: (?s:.*)SystemError: of the canary")

    def test_an_abort(self):
        self.check_canary("os.abort()", r"ended by -6 in the last of\n1 worker canary\(")

    def test_an_end_before_its_time(self):
        self.check_canary("os._exit(0)", r"is not true : 1 worker canary\(")

    def test_a_hang(self):
        self.check_canary("time.sleep(3600)", r"hangs in the last of\n1 worker canary\(", hangs_after=10)

    def test_a_line_of_ours_that_does_not_check(self):
        """An attribute, a key, an index that is not there, and None for something."""
        for line in ("None.attribute", "{}['key']", "[][1]", "unbound; unbound = 1", "None()", "len(None)"):
            text = f"def canary(*_, **__): {line}"
            ours = f"canary = at(caller.OUR_FILES + '/canary.py', {text!r})"
            with self.subTest(line):
                self.check_canary("pass", r"BAD 1: (?s:.*)canary\.py", replaces=ours)

    def test_a_line_of_an_argument_that_raises_is_no_fault(self):
        """Below a line of ours: the exception is the argument's."""
        ours = "canary = at(caller.OUR_FILES + '/canary.py', 'canary = lambda *_, **__: argument()')"
        argument = "at('argument.py', 'def canary(): None.attribute')"
        self.check_canary("pass", replaces=f"{ours}\ncanary.__globals__['argument'] = {argument}")

    def test_something_that_is_not_called(self):
        self.check_canary("pass", r"\['tonio\.other'\](?s:.*)not called", found=("canary", "tonio.other"))


def _without_idle(errors):
    """The end of standard error without threads that faulthandler knows nothing of."""
    parts = errors.read_text(errors="replace").split("\n\n")
    return "\n\n".join(part for part in parts if "<no Python frame>" not in part)[-8000:]


def _environment(folder):
    environment = clean_environment(
        HOME=folder,
        TMPDIR=folder,
        # A name that has to be looked up fails soon where there is no name server.
        RES_OPTIONS="attempts:1 timeout:1",
        # Stacks and heaps of more would use up the limit of addresses, and CPython 3.13 unwinds
        # for ever where not even an int can be made.
        TONIO_BLOCKING_THREADS="16",
    )
    if ADDRESS_SANITIZER:
        given = environment.get("ASAN_OPTIONS", "")
        environment["ASAN_OPTIONS"] = (
            f"{given}:detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=4000"
            ":handle_abort=1"
        )
    return environment


if __name__ == "__main__":
    main()
