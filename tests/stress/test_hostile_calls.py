"""Every public callable, class, method and attribute, and those of the native module, with
hostile arguments: a documented exception or a result, never a crash, a hang, an exception that
nobody documents or one that tells of our own lines.

A child process makes the calls (tests/support/hostile), so that one that dies names the call
which it died in. It calls everything once, each method when there is an object of its class, and
then what it draws. By hand, and for longer:

    PYTHONPATH=tests/support TONIO_STRESS=60 TONIO_STRESS_SEED=7 build/bin/tonio tests/stress/test_hostile_calls.py
"""

import importlib
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import tonio
from hostile import surface
from hostile.calls import LEFT_OUT, LEFT_OUT_CLASSES, LEFT_OUT_METHODS
from hostile.values import Values
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

# Of an object, in the log.
ADDRESS = re.compile(r"^<(.*) 0x[0-9a-f]+>")

# The caller with one callable, which does what the test has to notice, and the classes of names.
WITH_CANARY = """
import os, sys, time
from hostile import caller, calls, judge, surface, values

def at(path, text):
    names = {{"HOSTILE": values.HOSTILE}}
    exec(compile(text, path, "exec"), names)
    return names["canary"]

def canary(*args, **kwargs):
    {does}

{replaces}
surface.callables = lambda: {{"canary": canary}}
surface.classes = lambda: {classes}
calls.NATURAL.clear()
caller.PATIENCE = 0
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
                self.ask(child)
                self.fail(f"hangs in the last of\n{called(log)}\n{_without_idle(errors)}")

    def ask(self, child):
        """Has it tell what its tasks do, and where its threads are."""
        child.send_signal(signal.SIGQUIT)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGABRT)  # by faulthandler
            child.wait()

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
        # "12 worker tonio.sleep(nan)": a number, where, and what is called; and for a method,
        # "12 worker <tonio.Event 0x1234>.wait(nan)". At the end, "HAS tonio.Event.wait".
        words = [line.split(" ", 2) for line in text.splitlines()]
        names = {word[2].partition("(")[0] for word in words if word[0].isdecimal()}
        names = {ADDRESS.sub(r"\1", name) for name in names}
        methods = {word[1] for word in words if word[0] == "HAS"}
        self.assertFalse(sorted((found | methods) - names), "not called")
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
        kinds = {surface.name_of(kind): kind for kind in surface.classes()}
        for name in LEFT_OUT_CLASSES:
            self.assertIn(name, kinds)
        for name in LEFT_OUT_METHODS:
            kind, _, method = name.rpartition(".")
            self.assertIn(method, dir(kinds[kind]))

    def test_what_an_object_gives_is_in_its_dir(self):
        """By which its methods are found."""
        for kind in surface.classes():
            if hasattr(kind, "__getattr__"):
                self.assertIsNot(kind.__dir__, object.__dir__, kind)
        with open(os.devnull, "rb") as file:
            methods, attributes = surface.members(tonio.fs.File(file))
        self.assertLessEqual({"read", "readinto", "seek", "truncate", "fileno"}, set(methods))
        self.assertLessEqual({"closed", "name", "raw"}, set(attributes))

    def test_a_running_generator_runs(self):
        values = Values(random.Random())
        running = [values._make_running_generator() for _ in range(6)]
        for generator in running[-4:]:
            self.assertTrue(generator.gi_running)
            self.assertRaisesRegex(ValueError, "already executing", next, generator)

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

    def check_canary(self, does, said=None, replaces="", found=("canary",), classes="[]", **more):
        text = WITH_CANARY.format(does=does, replaces=replaces, classes=classes)
        arguments = {"found": set(found), "program": ("-c", text), "seconds": 0, **more}
        if said is None:
            self.check("worker", **arguments)
            return
        with self.assertRaisesRegex(self.failureException, said):
            self.check("worker", **arguments)

    def test_nothing_wrong(self):
        self.check_canary("raise ValueError")

    def test_a_system_error(self):
        self.check_canary("raise SystemError('of the canary')", r"BAD 1 canary: (?s:.*)SystemError: of the canary")

    def test_an_exception_that_nobody_documents(self):
        for kind in (
            "ZeroDivisionError", "KeyError", "LookupError", "AttributeError", "StopIteration", "StopAsyncIteration",
            "GeneratorExit", "SystemExit", "KeyboardInterrupt", "BaseException", "Exception", "ImportError",
        ):  # fmt: skip
            with self.subTest(kind):
                noticed = rf"BAD 1 canary: (?s:.*){kind}: '?of the canary"
                self.check_canary(f"raise {kind}('of the canary')", noticed)

    def test_one_that_a_group_has(self):
        self.check_canary("raise ExceptionGroup('', [KeyError('canary')])", "BAD 1 canary: KeyError: 'canary'")

    def test_one_that_is_a_cause(self):
        self.check_canary("raise ValueError from AssertionError('canary')", "BAD 1 canary: AssertionError: canary")

    def test_one_that_comes_out_later(self):
        does = "return later()"
        later = "async def later(): 1 / 0"
        # Awaited, or dropped: so often that it is awaited.
        self.check_canary(does, "BAD [0-9]+ canary: (?s:.*)ZeroDivisionError", replaces=later, seconds=1)

    def test_an_abort(self):
        self.check_canary("os.abort()", r"ended by (-6|1) in the last of\n1 worker canary\(")  # 1: a sanitizer

    def test_an_end_before_its_time(self):
        self.check_canary("os._exit(0)", r"is not true : 1 worker canary\(")

    def test_a_hang(self):
        self.check_canary("time.sleep(3600)", r"hangs in the last of\n1 worker canary\(", hangs_after=10)

    def test_a_line_of_ours_that_does_not_check(self):
        """An attribute, a key, an index that is not there, and None for something."""
        for line in ("None.attribute", "{}['key']", "[][1]", "unbound; unbound = 1", "None()", "len(None)"):
            text = f"def canary(*_, **__): {line}"
            ours = f"canary = at(judge.OUR_FILES + '/canary.py', {text!r})"
            with self.subTest(line):
                self.check_canary("pass", r"BAD 1 canary: (?s:.*)canary\.py", replaces=ours)

    def test_a_line_of_an_argument_that_raises_is_no_fault(self):
        """Below a line of ours: the exception is the argument's."""
        ours = "canary = at(judge.OUR_FILES + '/canary.py', 'canary = lambda *_, **__: argument()')"
        argument = "at('argument.py', 'def canary(): raise KeyError(HOSTILE)')"
        self.check_canary("pass", replaces=f"{ours}\ncanary.__globals__['argument'] = {argument}")

    def test_a_method_that_is_not_called(self):
        """Of a class that no call gives an object of."""
        classes = "[type('Other', (), {'method': canary, '_of_its_own': canary, '__module__': 'tonio'})]"
        self.check_canary("pass", r"\['tonio\.Other\.method'\](?s:.*)not called", classes=classes)

    def test_a_method_of_one_object_that_is_called(self):
        """That its __getattr__ gives."""
        given = """
class Given:
    __module__ = "tonio"
    def __dir__(self):
        return ["method"]
    def __getattr__(self, name):
        if name == "method":
            return lambda *args, **kwargs: 1 / 0
        raise AttributeError(name)
"""
        self.check_canary("return Given()", "BAD [0-9]+ method: (?s:.*)ZeroDivisionError", replaces=given)

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
