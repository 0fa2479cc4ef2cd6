"""What the tests of one pytest session share: how their coroutines are run, and what becomes
of tasks and failures that a test leaves behind.

The main thread is pytest's; it waits while a coroutine of a test or a fixture runs on the
workers. Each test and each fixture has a group of tasks of its own (_tonio.run), in which are
the tasks that it has spawned and those that they have.
"""

# mypy: disable-error-code=import, allow-untyped-decorators, allow-subclassing-any
# pytest comes from the program's environment, or not at all.

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque

import pytest

import _tonio

from .. import _tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from .._runtime import Runtime
    from ..types import Coro
    from ._clock import Clock

    _T = TypeVar("_T")

# How long tasks that a test has left may go on before they count as left; seconds. One that
# is about to end needs a moment.
_PATIENCE = 1.0
_LOOK_AGAIN = 0.001


class LeftoverTaskWarning(pytest.PytestWarning):
    """A test or a fixture has ended and tasks of it had not; they were cancelled."""


class Session:
    """Of the main thread, except for note_failure()."""

    def __init__(self, mode: str, threads: int | None, timeout: float | None) -> None:
        self.mode = mode
        self.threads = threads
        self.timeout = timeout
        # What `tonio_runtime` gives, while it lives.
        self.runtime: Runtime | None = None
        # What `tonio_clock` gives, while it lives.
        self.clock: Clock | None = None
        self._groups = itertools.count(1)
        self._failures: deque[BaseException] = deque()

    def new_group(self) -> int:
        return next(self._groups)

    def run(
        self, coro: Coro[_T], group: int, limit: float = 0.0, ending: bool = False
    ) -> _T:
        """Runs coro as a part of the group; gives its result or raises its exception. The
        group's tasks are cancelled when it is interrupted, and otherwise go on. While it is
        `ending`, what sleeps under a clock that stands still has its way."""
        __tracebackhide__ = True
        if self.clock is not None:
            coro = self.clock._while_running(coro, ending)
        assert self.runtime is not None
        return self.runtime._options.run(coro, end_others=False, group=group, limit=limit)

    def end_group(self, group: int, node: pytest.Item, what: str) -> None:
        """The test or fixture has ended: so do the tasks that it has left, with a warning."""
        if not _tonio.live_tasks(group):
            return
        left = _tasks_at_rest(group)
        if not left and not _tonio.live_tasks(group):
            return
        with self.clock._jumping(0) if self.clock else contextlib.nullcontext():
            _tonio.end_tasks(group)
        if left:
            title = f"{what} has ended and left tasks behind, which were cancelled"
            text = _tasks.below(title, left)
            node.warn(LeftoverTaskWarning(text))

    def note_failure(self, what: str, failure: BaseException, place: str | None) -> None:
        """A task has failed and nobody will await it. Any thread."""
        spawned = f"; it was spawned at {place}" if place else ""
        failure.add_note(f"tonio: a {what} failed and nobody awaited it{spawned}")
        self._failures.append(failure)

    def take_failures(self) -> BaseExceptionGroup[BaseException] | None:
        """An exception group of the failures that were noted since the last time, or None."""
        taken: list[BaseException] = []
        with contextlib.suppress(IndexError):
            while True:
                taken.append(self._failures.popleft())
        return BaseExceptionGroup("tasks failed and nobody awaited them", taken) if taken else None


def _tasks_at_rest(group: int) -> list[_tasks.TaskInfo]:
    """The tasks of the group, when none of them runs or is about to."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        left = _tasks.of_group(group)
        unborn = _tonio.live_tasks(group) > len(left)
        if time.monotonic() > deadline:
            return left
        if not unborn and all(task.state == "suspended" for task in left):
            return left
        time.sleep(_LOOK_AGAIN)
