"""What the samples' tests share. They look at the programs from outside, so any plain
Python runs them; $TONIO is the binary, else the one in build/bin."""

import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TONIO = os.path.abspath(os.environ.get("TONIO") or ROOT / "build/bin/tonio")
TIMEOUT = 60


def clean_environment():
    """The environment without what steers tonio or Python."""
    steering = ("TONIO", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(steering)}


def command(name, *args, threads=None):
    options = ["--threads", threads] if threads else []
    return [TONIO, "run", *options, str(ROOT / "samples" / name), *args]


def run_sample(name, *args, threads=None):
    """Standard output of a sample that must succeed without a word on standard error."""
    done = subprocess.run(
        command(name, *args, threads=threads),
        capture_output=True, text=True, env=clean_environment(), timeout=TIMEOUT,
    )
    if (done.returncode, done.stderr) != (0, ""):
        raise AssertionError(f"{name} ended with {done.returncode}: {done.stderr}")
    return done.stdout


class Server:
    """A sample that listens: a context manager that leaves no process behind."""

    def __init__(self, name, *args, threads=None, listen=("--port", "0")):
        self.process = subprocess.Popen(
            command(name, *listen, *args, threads=threads),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=clean_environment(),
        )
        line = self.process.stdout.readline()
        said, _, address = line.strip().rpartition(" ")
        if said != "listening on":
            self.process.kill()
            raise AssertionError(f"{name} said {line!r}: {self.process.communicate()[1]}")
        # (host, port), or a path.
        host, _, port = address.rpartition(":")
        self.address = (host, int(port)) if host else port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self, signal):
        """Sends the signal; gives exit code, standard output and standard error. Taking
        longer than two seconds is a failure."""
        self.process.send_signal(signal)
        try:
            out, err = self.process.communicate(timeout=2)
        except subprocess.TimeoutExpired:
            raise AssertionError("the server did not end within two seconds") from None
        return self.process.returncode, out, err


def main():
    unittest.main(verbosity=2)
