"""Waiting for the exit of a child process without reaping it."""

from __future__ import annotations

import errno
import os

from _tonio import sleep

from .io import register
from .time import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .io import Registration

    class Exit(Protocol):
        async def wait(self, timeout: float | None = None) -> bool: ...
        def close(self) -> None: ...

# Of looking again where there is no pidfd; seconds. As subprocess.Popen.wait() does.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05


def watch_exit(pid: int) -> Exit:
    """An object with `wait(timeout=None)`, which suspends until the child has exited, or for
    timeout seconds, and gives whether it has; and with `close()`. The child stays a zombie
    until somebody reaps it, so that its number stays its own.

    OSError when there is no descriptor left to watch it with."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        # Reaped by the system: SIGCHLD is ignored (sigaction(2)).
        return _Polled(pid)
    except OSError as failure:
        if failure.errno in (errno.ENOSYS, errno.EPERM):
            return _Polled(pid)
        raise
    try:
        return _Watched(register(pidfd))
    finally:
        # The registration has a duplicate.
        os.close(pidfd)


class _Watched:
    """By a pidfd, which is readable once the child has exited (pidfd_open(2))."""

    def __init__(self, registration: Registration) -> None:
        self._registration = registration

    async def wait(self, timeout: float | None = None) -> bool:
        try:
            return await self._registration.arm_r(timeout)
        except OSError:
            if not self._registration.closed:
                raise
            return True

    def close(self) -> None:
        """It has been reaped; who waits is woken."""
        self._registration.close()


class _Polled:
    """By looking again and again: systems before Linux 5.3, and sandboxes that don't allow
    pidfd_open(2)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._closed = False

    async def wait(self, timeout: float | None = None) -> bool:
        end = None if timeout is None else time() + timeout
        pause = _SHORTEST_PAUSE
        while not self._has_exited():
            if end is not None:
                left = end - time()
                if left <= 0:
                    return False
                pause = min(pause, left)
            await sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return True

    def _has_exited(self) -> bool:
        if self._closed:
            return True
        try:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._pid, flags) is not None
        except ChildProcessError:
            return True

    def close(self) -> None:
        self._closed = True
