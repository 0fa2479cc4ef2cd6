"""What the tests of types share: Debian's mypy, run by the system's python3."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TONIO = os.path.abspath(os.environ.get("TONIO") or ROOT / "build/bin/tonio")
# Of the interpreter that tonio embeds, and of Debian 12's mypy by default.
VERSIONS = ("3.13", "3.11")
TIMEOUT = 100


def clean_environment(**changes):
    """The environment without what steers tonio, Python or mypy."""
    steering = ("TONIO", "PYTHON", "VIRTUAL_ENV", "MYPY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return kept | changes


@unittest.skipUnless(shutil.which("mypy"), "mypy is not installed")
class CheckerCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cache = tempfile.TemporaryDirectory(prefix="tonio-mypy-")
        cls.addClassCleanup(cache.cleanup)
        cls.cache = cache.name

    def check(self, *arguments, path=ROOT / "stdlib", version=VERSIONS[0]):
        """What `mypy --strict` says with `path` as its MYPYPATH: its exit code and output."""
        done = subprocess.run(
            ["mypy", "--strict", "--no-error-summary", "--no-color-output", "--config-file=",
             f"--cache-dir={self.cache}", f"--python-version={version}", *map(str, arguments)],
            capture_output=True, text=True, timeout=TIMEOUT, cwd=self.cache,
            env=clean_environment(MYPYPATH=str(path)),
        )
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def accept(self, *arguments, **options):
        self.assertEqual(self.check(*arguments, **options), (0, ""))


def lines_with_errors(output):
    """The numbers of the lines that mypy reports."""
    return {int(number) for number in re.findall(r"^[^:\n]+:(\d+): error: ", output, re.M)}


def main():
    unittest.main(verbosity=2)
