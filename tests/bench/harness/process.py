"""Programs: running one to its end, and keeping a server alive meanwhile."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import time


class ProgramFailed(Exception):
    pass


def environment(extra=None):
    """Ours, less what would change how a measured program runs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TONIO_", "PYTHON", "VIRTUAL_ENV"))}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | (extra or {})


def pinned(cpus):
    """A preexec_fn that keeps a program on these CPUs (None: anywhere)."""
    return (lambda: os.sched_setaffinity(0, cpus)) if cpus else None


def run_json(argv, *, env=None, cpus=None, timeout=300):
    """The JSON object on the last line of the program's output."""
    try:
        done = subprocess.run(
            argv, env=environment(env), preexec_fn=pinned(cpus), timeout=timeout, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        raise ProgramFailed(f"no end after {timeout} s") from None
    except OSError as error:
        raise ProgramFailed(error) from None
    if done.returncode:
        raise ProgramFailed(exit_reason(done.returncode, done.stderr))
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise ProgramFailed(f"no result in its output: {done.stdout[-200:]!r}") from None


def exit_reason(code, stderr):
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    lines = stderr.strip().splitlines()
    return f"{how}: {lines[-1]}" if lines else how


class Server:
    """A program that prints `listening on HOST:PORT`; ended when the block ends."""

    def __init__(self, argv, *, env=None, cpus=None):
        self.argv, self.env, self.cpus = argv, env, cpus

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            self._stderr = undo.enter_context(tempfile.TemporaryFile("w+"))
            try:
                self._process = subprocess.Popen(
                    self.argv,
                    env=environment(self.env),
                    preexec_fn=pinned(self.cpus),
                    stdout=subprocess.PIPE,
                    stderr=self._stderr,
                )
            except OSError as error:
                raise ProgramFailed(error) from None
            undo.callback(self._end)
            self.pid = self._process.pid
            self.host, self.port = self._address(time.monotonic() + 10)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *exc):
        return self._undo.__exit__(*exc)

    def _address(self, deadline):
        text = b""
        while not (found := re.search(rb"^listening on (.+):(\d+)$", text, re.M)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise ProgramFailed("it didn't say `listening on HOST:PORT` within 10 s")
            chunk = os.read(self._process.stdout.fileno(), 4096)
            if not chunk:
                raise ProgramFailed(exit_reason(self._process.wait(), self.stderr()))
            text += chunk
        return found[1].decode(), int(found[2])

    def stderr(self):
        self._stderr.seek(0)
        return self._stderr.read()

    def _end(self):
        self._process.terminate()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
