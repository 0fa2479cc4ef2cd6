"""What the launcher's tests share. They look at the binary from outside, so any
plain Python runs them; $TONIO is the binary, else the one in build/bin."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import textwrap
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TONIO = os.path.abspath(os.environ.get("TONIO") or ROOT / "build/bin/tonio")
TIMEOUT = 60

# An expression for scripts: how many workers their process has.
COUNT_WORKERS = (
    'sum(path.read_text().startswith("tonio-work") for path in __import__("pathlib").Path("/proc/self/task").glob("*/comm"))')


def clean_environment(**changes):
    """The environment without what steers tonio or Python; None removes."""
    steering = ("TONIO", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    # Under AddressSanitizer: a table of what was suppressed is no output of the program's.
    kept["LSAN_OPTIONS"] = kept.get("LSAN_OPTIONS", "") + ":print_suppressions=0"
    kept.update(changes)
    return {name: value for name, value in kept.items() if value is not None}


class LauncherCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tonio-test-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, text, mode=None):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        if mode is not None:
            path.chmod(mode)
        return path

    def command(self, *command, env=None, stdin=subprocess.DEVNULL, input=None, **options):
        options.setdefault("cwd", self.folder)
        options.setdefault("timeout", TIMEOUT)
        if input is None:
            options["stdin"] = stdin
        return subprocess.run(
            [part if isinstance(part, bytes) else str(part) for part in command],
            env=clean_environment(**(env or {})), input=input, capture_output=True, text=True, **options)

    def tonio(self, *args, **options):
        return self.command(TONIO, *args, **options)

    def output(self, *args, **options):
        """Standard output of a tonio that must succeed without a word on standard error."""
        done = self.tonio(*args, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def refused(self, *args, code=2, says=(), **options):
        """tonio must refuse: one line on standard error that has all of `says`."""
        done = self.tonio(*args, **options)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertRegex(done.stderr, r"\Atonio: [^\n]+\n\Z")
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, done.stderr)


def main():
    unittest.main(verbosity=2)
