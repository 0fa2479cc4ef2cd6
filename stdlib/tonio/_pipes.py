"""Byte streams over the pipes that lead to a child process and back."""

from __future__ import annotations

import errno
import os
from _thread import allocate_lock

from _tonio import warn_unclosed, yield_now

from ._suspending import suspending
from .exceptions import ResourceBusy
from .io import register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Concatenate, ParamSpec, TypeVar

    from _typeshed import ReadableBuffer
    from typing_extensions import Self

    _P = ParamSpec("_P")
    _T = TypeVar("_T")

# What a pipe holds (pipe(7)).
_USUAL = 64 * 1024


class _Pipe:
    """Our end of a pipe, which the stream owns. It is left with it: a context manager."""

    def __init__(self, fd: int) -> None:
        self._ready = register(fd)
        os.set_blocking(fd, False)
        # Guards _fd: its number is not given to somebody else under a system call.
        self._mutex = allocate_lock()
        self._busy = allocate_lock()
        self._fd = fd

    def fileno(self) -> int:
        """The descriptor, which is non-blocking; -1 once closed."""
        return self._fd

    def close(self) -> None:
        """Closes this end. A task that waits on it gets an OSError (EBADF)."""
        with self._mutex:
            fd, self._fd = self._fd, -1
        if fd >= 0:
            self._ready.close()
            os.close(fd)

    def _call(
        self, function: Callable[Concatenate[int, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """One system call."""
        with self._mutex:
            if self._fd < 0:
                raise OSError(errno.EBADF, f"this {type(self).__name__} is closed")
            return function(self._fd, *args, **kwargs)

    def _begin(self, doing: str) -> None:
        if not self._busy.acquire(blocking=False):
            raise ResourceBusy(f"another task is already {doing} on this {type(self).__name__}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._fd < 0 else f"of descriptor {self._fd}"
        return f"<tonio.{type(self).__name__} {state}>"

    # When the interpreter ends the modules may be empty by then.
    def __del__(
        self,
        warn: Callable[[object], None] = warn_unclosed,
        close: Callable[[int], None] = os.close,
    ) -> None:
        # Without a descriptor when __init__ has failed.
        fd = getattr(self, "_fd", -1)
        if fd >= 0:
            warn(self)
            self._fd = -1
            self._ready.close()
            close(fd)


class ReceivePipe(_Pipe):
    """What a child writes. One task at a time may receive."""

    @suspending
    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Suspends until there is data, and gives it as bytes: at most max_bytes (None: as many
        as is sensible). b'' when nobody has the other end any more. OSError when the stream is
        closed; ResourceBusy when another task is receiving already."""
        size = _USUAL if max_bytes is None else max_bytes
        if size < 1:
            raise ValueError(f"receive_some(): max_bytes must be 1 or more, not {size}")
        self._begin("receiving")
        try:
            # A child that writes without end leaves the other tasks their turns.
            await yield_now()
            while True:
                try:
                    return self._call(os.read, size)
                except BlockingIOError:
                    await self._ready.arm_r()
        finally:
            self._busy.release()


class SendPipe(_Pipe):
    """What a child reads. One task at a time may send."""

    @suspending
    async def send_all(self, data: ReadableBuffer | str) -> None:
        """Suspends until all of data (bytes-like, or text, which is sent as UTF-8) has been
        written; how much of it was, is unknown when that fails or is cancelled.
        BrokenPipeError when nobody has the other end any more; OSError when the stream is
        closed; ResourceBusy when another task is sending already."""
        if isinstance(data, str):
            data = data.encode()
        with memoryview(data) as whole, whole.cast("B") as rest:
            self._begin("sending")
            try:
                await yield_now()
                sent = 0
                while sent < len(rest):
                    try:
                        # Released here: an exception may live on with it, and end on another
                        # thread, and what views of one buffer share is not made for that.
                        with rest[sent:] as part:
                            sent += self._call(os.write, part)
                    except BlockingIOError:
                        await self._ready.arm_w()
            finally:
                self._busy.release()
