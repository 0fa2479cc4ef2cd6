"""as_completed(): results in the order in which they come."""

from __future__ import annotations

from _tonio import report_failure, scope, unbounded

from ._call import call
from .exceptions import CancelledError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, TypeVar

    from .sync.channel import UnboundedSender
    from .types import Coro, Operation


def as_completed(*coros: Coro[_T]) -> _AsCompleted[_T]:
    """Starts the coroutines. Plain: an iterator of awaitables, `for task in
    as_completed(...): value = yield task`. Colored: `async for value in
    as_completed(...)`. Each gives the result of the next to finish, or raises its
    exception. Coroutines that still run when the iterator is dropped are cancelled."""
    return _AsCompleted(coros)


class _AsCompleted:
    __slots__ = ("_failures", "_left", "_outcomes", "_tasks")

    def __init__(self, coros):
        self._tasks = scope()
        self._tasks._open()
        outcomes, self._outcomes = unbounded()
        self._failures = []  # those that nobody has got yet
        self._left = len(coros)
        for coro in coros:
            self._tasks.spawn(_complete(coro, outcomes, self._failures, self._tasks))

    def __iter__(self):
        return self

    def __next__(self):
        if self._left == 0:
            raise StopIteration
        self._left -= 1
        return self._next()

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self._left == 0:
            raise StopAsyncIteration
        self._left -= 1
        return await self._next()

    async def _next(self):
        result, failure = await self._outcomes.receive()
        if failure is None:
            return result
        if failure in self._failures:
            self._failures.remove(failure)
        try:
            raise failure
        finally:
            # Not a cycle through this frame.
            del failure

    def __del__(self):
        self._tasks.cancel()
        for failure in self._failures:
            report_failure(_LOST, failure)


_LOST = "coroutine of as_completed()"


async def _complete(coro, outcomes, failures, tasks):
    try:
        outcome = await call(coro), None
    except (SystemExit, KeyboardInterrupt):
        raise
    except CancelledError as cancelled:
        outcome = None, cancelled
    except BaseException as failure:
        if tasks.cancelled:
            report_failure(_LOST, failure)
        else:
            failures.append(failure)
        outcome = None, failure
    outcomes.send(outcome)
