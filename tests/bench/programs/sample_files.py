"""The files that the benchmark of files reads, in a folder that goes with the program."""

import contextlib
import os
import pathlib
import tempfile

SMALL = 4 * 1024
LARGE = 64 * 1024 * 1024
PIECE = 1024 * 1024


@contextlib.contextmanager
def small(count):
    """Their paths."""
    with tempfile.TemporaryDirectory(prefix="tonio-bench-") as folder:
        paths = [pathlib.Path(folder, str(number)) for number in range(count)]
        for path in paths:
            path.write_bytes(os.urandom(SMALL))
        yield paths


@contextlib.contextmanager
def large():
    """Its path."""
    with tempfile.TemporaryDirectory(prefix="tonio-bench-") as folder:
        path = pathlib.Path(folder, "large")
        path.write_bytes(bytes(LARGE))
        yield path


def check(got, wanted):
    if got != wanted:
        raise SystemExit(f"read {got} bytes, not {wanted}")
