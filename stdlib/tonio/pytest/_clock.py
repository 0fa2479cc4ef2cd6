"""The clock of a test: it stands still, and the test moves it."""

from __future__ import annotations

from contextlib import contextmanager
from math import isfinite

import _tonio

from .._call import call
from .._suspending import suspending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    from ..types import Coro

    _T = TypeVar("_T")


def _microseconds(name: str, seconds: float) -> int:
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    if not (isfinite(seconds) and seconds >= 0):
        raise ValueError(f"{name} must be 0 seconds or more and finite, not {seconds!r}")
    return round(seconds * 1_000_000)


class Clock:
    """The runtime's clock, standing still: tonio.sleep, timeouts, intervals, the limits of
    scopes and tonio.time.time() go by it. What the `tonio_clock` fixture gives; the clock of
    the system, and with it time.sleep and a test's own time limit, goes on."""

    def __init__(self) -> None:
        # Where it was frozen, in microseconds.
        self._began = 0
        # Of `autojump`, in microseconds.
        self._pause: int | None = None
        self._running = False
        self._advancing = False

    def time(self) -> float:
        """The seconds that it was moved by so far."""
        return (_tonio.clock_now() - self._began) / 1_000_000

    @suspending
    async def settle(self) -> None:
        """Suspends until everything else is at rest: every other task is suspended, no I/O is
        ready and no call of the blocking pool runs."""
        await _tonio.wait_for_rest()

    @suspending
    async def advance(self, seconds: float) -> None:
        """Moves the clock by that many seconds, deadline by deadline: at each it waits until
        what has become due is at rest again, so a task that sleeps for a second in a loop
        wakes ten times within advance(10). Everything is at rest when it returns. By one task
        at a time."""
        step = _microseconds("Clock.advance(): seconds", seconds)
        if self._advancing:
            raise RuntimeError("Clock.advance() is under way in another task")
        self._advancing = True
        try:
            await _tonio.wait_for_rest()
            target = _tonio.clock_now() + step
            while (due := _tonio.first_deadline()) is not None and due <= target:
                _tonio.move_clock(due)
                await _tonio.wait_for_rest()
            _tonio.move_clock(target)
        finally:
            self._advancing = False

    @property
    def autojump(self) -> float | None:
        """None: only advance() moves the clock. A number: the clock moves to the next deadline
        by itself whenever everything has been at rest for that many seconds of real time; 0
        will do unless something outside of the runtime (a child process, another machine) has
        to answer."""
        return None if self._pause is None else self._pause / 1_000_000

    @autojump.setter
    def autojump(self, seconds: float | None) -> None:
        pause = None if seconds is None else _microseconds("Clock.autojump", seconds)
        self._pause = pause
        if self._running:
            _tonio.jump_clock_after(pause)

    # For the plugin. It jumps only while a coroutine of a test or fixture runs: otherwise what
    # a fixture does at regular times would be done without end.

    def _freeze(self) -> None:
        _tonio.freeze_clock()
        self._began = _tonio.clock_now()

    def _go_on(self) -> None:
        _tonio.let_clock_go_on()

    @contextmanager
    def _jumping(self, pause: int | None) -> Iterator[None]:
        self._running = True
        _tonio.jump_clock_after(pause)
        try:
            yield
        finally:
            self._running = False
            _tonio.jump_clock_after(None)

    async def _while_running(self, coro: Coro[_T], ending: bool) -> _T:
        """Awaits coro. While it is `ending`, it need not wait for anybody to move the clock."""
        __tracebackhide__ = True
        # In the task itself: before it begins and after its end nothing jumps.
        with self._jumping(0 if ending else self._pause):
            return await call(coro)
