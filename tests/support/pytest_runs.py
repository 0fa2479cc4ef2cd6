"""Runs of `tonio -m pytest` on files that a test writes."""

import pathlib
import signal
import subprocess
import tempfile
import textwrap
import unittest
import xml.etree.ElementTree as ElementTree

from libraries import library, python_path
from programs import TIMEOUT, TONIO, clean_environment

pytest, REASON = library("pytest")
needs_pytest = unittest.skipUnless(pytest, REASON)

# pytest has hundreds of modules, and Debian's package has no bytecode for this Python.
_bytecode = tempfile.TemporaryDirectory(prefix="tonio-test-")

OPTIONS = [
    "-p", "no:cacheprovider",
    # Of pytest 7 itself, which is older than Python 3.13.
    "-W", "ignore:ast:DeprecationWarning", "-W", "ignore:Attribute:DeprecationWarning",
]


class Session:
    """A `tonio -m pytest` in a folder with `files`, a dict of names and texts, or with the text
    of one test file. A context manager, which leaves no process behind."""

    def __init__(self, files, *options, environment=None):
        self._folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        folder = pathlib.Path(self._folder.name)
        if isinstance(files, str):
            files = {"test_it.py": files}
        for name, text in files.items():
            folder.joinpath(name).write_text(textwrap.dedent(text))
        self._report = folder / "report.xml"
        own = {
            name: value
            for name, value in clean_environment().items()
            if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("PYTEST")
        }
        own |= {"PYTHONPATH": python_path(), "PYTHONPYCACHEPREFIX": _bytecode.name}
        self.process = subprocess.Popen(
            [TONIO, "-m", "pytest", *OPTIONS, f"--junitxml={self._report}", *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=own | (environment or {}),
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self._folder.cleanup()

    def until(self, line):
        """Waits until the session has written this line."""
        for text in self.process.stdout:
            if text.rstrip("\n") == line:
                return
        raise AssertionError(f"the session has ended without {line!r}")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def end(self):
        out, _ = self.process.communicate(timeout=2 * TIMEOUT)
        return Ended(self.process.returncode, out, self._outcomes())

    def _outcomes(self):
        if not self._report.exists():
            return {}
        outcomes = {}
        for case in ElementTree.parse(self._report).iter("testcase"):
            kinds = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
            # One that fails and whose tear-down fails stands there twice.
            before = outcomes.get(case.get("name"), "")
            now = "+".join(kinds) or "passed"
            outcomes[case.get("name")] = f"{before}+{now}" if before else now
        return outcomes


class Ended:
    """`outcomes`: per test "passed", "failure", "error" (in a fixture) or "skipped" (xfail,
    too)."""

    def __init__(self, code, out, outcomes):
        self.code = code
        self.out = out
        self.outcomes = outcomes


def run(files, *options, **more):
    with Session(files, *options, **more) as session:
        return session.end()


@needs_pytest
class PytestCase(unittest.TestCase):
    maxDiff = None

    def check(self, files, expected, *options, code=None, **more):
        """Runs them and compares the outcomes; gives what came out."""
        ended = run(files, *options, **more)
        self.assertEqual(ended.outcomes, expected, ended.out)
        if code is None:
            code = int(any("failure" in kind or "error" in kind for kind in expected.values()))
        self.assertEqual(ended.code, code, ended.out)
        return ended.out


