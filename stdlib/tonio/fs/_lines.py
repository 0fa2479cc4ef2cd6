"""Reading lines ahead: a file's lines cost one call on the blocking pool per batch and not
one per line."""

from __future__ import annotations

import collections
import contextlib
import io
import threading

from _tonio import finish_blocking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeVar

    _P = ParamSpec("_P")
    _T = TypeVar("_T")

# Characters or bytes per call.
_BATCH = 64 * 1024


class ReadAhead:
    """Lines that have been read and not been given yet. Whatever else is done with the file
    is done where the reader has got to: the position is set back first. So only files whose
    position can be set, and which are only read, have one. Unlike a loop over a text file of
    io, one over this leaves tell() usable."""

    __slots__ = ("_failure", "_file", "_lines", "_lock", "_read", "_start")

    def __init__(self, file: io.TextIOWrapper | io.BufferedReader) -> None:
        self._file: Any = file
        self._lock = threading.Lock()  # held by threads of the blocking pool, which may wait
        self._lines: collections.deque[Any] = collections.deque()
        self._start: int | None = None  # where the batch began, as tell() has it
        self._read = 0  # lines that the batch had
        self._failure: Exception | None = None  # what ended the batch

    @classmethod
    def of(cls, file: object) -> ReadAhead | None:
        """One for a file that was just opened, or None."""
        if not isinstance(file, (io.TextIOWrapper, io.BufferedReader)):
            return None
        return cls(file) if not file.writable() and file.seekable() else None

    async def next_line(self) -> Any:
        """The next line, or None at the end."""
        line = self._line_at_hand()
        return line if line is not None else await finish_blocking(self._next_batch)

    def _line_at_hand(self) -> Any:
        if self._file.closed:
            return None
        try:
            return self._lines.popleft()
        except IndexError:  # not asked before: another task may take the last one
            return None

    def _next_batch(self) -> Any:
        with self._lock:
            line = self._line_at_hand()
            if line is not None:
                return line
            failure, self._failure = self._failure, None
            if failure is not None:
                raise failure
            try:
                self._start = self._file.tell()
            except OSError:  # a decoder whose state can't be told
                return self._file.readline() or None
            size, batch = 0, []
            try:
                while size < _BATCH and (line := self._file.readline()):
                    batch.append(line)
                    size += len(line)
            except Exception as failure:
                if not batch:
                    raise
                self._failure = failure
            self._read = len(batch)
            self._lines.extend(batch[1:])
            return batch[0] if batch else None

    def _take_back(self) -> int:
        """Takes the lines that are left from next_line(), which may run at the same time and
        gives each only once; their number."""
        left = 0
        with contextlib.suppress(IndexError):
            while True:
                self._lines.pop()
                left += 1
        return left

    def rewound(self, method: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """method(), once the file's position is behind the last line that was given."""
        with self._lock:
            left = self._take_back()
            if left or self._failure:
                self._failure = None
                self._file.seek(self._start)
                # Not next(), after which the position can't be told.
                for _ in range(self._read - left):
                    self._file.readline()
            return method(*args, **kwargs)
