"""Small programs for tests that must look at a whole process: its output, its exit code,
its answer to signals."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

from sanitizers import SANITIZED

TONIO = os.environ.get("TONIO") or sys.executable
# A shell's background job ignores these, and so would all that it starts.
for _number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)
# Seconds after which a program counts as hung.
TIMEOUT = 300 if SANITIZED else 60


def clean_environment(**changes):
    """The environment without what steers tonio; a random schedule (scale.py) stays."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TONIO") or name == "TONIO_STRESS_SEED"
    }
    return kept | changes


class Program:
    """A tonio that runs `text`, or the script at `path`: a context manager, which leaves
    no process behind. `process_group` and `preexec_fn` are subprocess.Popen's."""

    def __init__(
        self,
        text=None,
        *options,
        path=None,
        args=(),
        environment=None,
        process_group=None,
        preexec_fn=None,
    ):
        self._folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        if path is None:
            path = pathlib.Path(self._folder.name, "program.py")
            path.write_text(textwrap.dedent(text))
        self.process = subprocess.Popen(
            [TONIO, "run", *options, str(path), *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # line() takes no more than its line from what end() is to read
            env=clean_environment(**environment or {}),
            process_group=process_group,
            preexec_fn=preexec_fn,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self._folder.cleanup()

    def line(self):
        """The next line of standard output, without its end; nothing at the end of all."""
        return self.process.stdout.readline().decode().rstrip("\n")

    def signal(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def end(self, timeout=TIMEOUT):
        """Waits; gives exit code, the rest of standard output, standard error, and how
        many seconds it took."""
        start = time.monotonic()
        out, err = self.process.communicate(timeout=timeout)
        seconds = time.monotonic() - start
        return Ended(self.process.returncode, out.decode(), err.decode(), seconds)


class Ended:
    def __init__(self, code, out, err, seconds):
        self.code = code
        self.out = out
        self.err = err
        self.seconds = seconds


def run_program(text, *options, timeout=TIMEOUT, **more):
    with Program(text, *options, **more) as program:
        return program.end(timeout)
