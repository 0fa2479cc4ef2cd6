"""Files and paths after the standard library's io and pathlib: what touches the disk
suspends here and runs on the blocking pool, the rest acts at once. Results and errors are
the standard library's.

A call that has begun when its task is cancelled is not interrupted: nothing is left half
written and nothing that was read is lost. The task gets its outcome, and CancelledError at
its next suspension."""

from ._file import File, open, wrap_file
from ._path import Path

__all__ = ["File", "Path", "open", "wrap_file"]
