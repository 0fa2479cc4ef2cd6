"""as_completed(): results in the order in which they come."""

from __future__ import annotations

from _tonio import (
    ends_with_run,
    raise_outcome,
    report_failure,
    scope,
    suspending_call,
    unbounded,
)

from ._call import call, check_runnable
from ._generic import Generic, T
from ._handed_over import handed_over
from .exceptions import CancelledError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .sync.channel import Receiver, UnboundedSender
    from .types import Coro, Operation

    # The result, or the exception; whether it is cancelled because the run ends.
    _Outcome = tuple[Any, BaseException | None, bool]


_LOST = "coroutine of as_completed()"


def as_completed(*coros: Coro[T]) -> _AsCompleted[T]:
    """Starts the coroutines. Plain: an iterator of awaitables, `for task in
    as_completed(...): value = yield task`. Colored: `async for value in
    as_completed(...)`. Each gives the result of the next to finish, or raises its
    exception. Coroutines that still run when the iterator is dropped are cancelled."""
    check_runnable("as_completed", *coros)
    return _AsCompleted(coros)


class _AsCompleted(Generic[T]):
    __slots__ = ("_failures", "_left", "_outcomes", "_tasks")

    def __init__(self, coros: tuple[Coro[T], ...]) -> None:
        outcomes: UnboundedSender[_Outcome]
        self._outcomes: Receiver[_Outcome]
        outcomes, self._outcomes = unbounded()
        # Those that nobody has got yet, by id(): an exception may have an __eq__ of its own.
        self._failures: dict[int, BaseException] = {}
        # One for each outcome that nobody waits for or has got; pop() is atomic.
        self._left = [None] * len(coros)
        self._tasks = scope()
        self._tasks._open()
        for coro in coros:
            task = _complete(coro, outcomes, self._failures, self._tasks)
            try:
                self._tasks.spawn(task)
            except MemoryError:
                task.close()
                raise

    def __iter__(self) -> _AsCompleted[T]:
        return self

    def __next__(self) -> Operation[T]:
        if not self._take():
            raise StopIteration
        return suspending_call(self._next())

    def __aiter__(self) -> _AsCompleted[T]:
        return self

    async def __anext__(self) -> T:
        if not self._take():
            raise StopAsyncIteration
        return await self._next()

    def _take(self) -> bool:
        try:
            self._left.pop()
        except IndexError:
            return False
        return True

    async def _next(self) -> T:
        result: T
        try:
            result, failure, ended_with_run = await self._outcomes.receive()
        except CancelledError:
            self._left.append(None)  # for who waits next
            raise
        except BrokenPipeError:
            raise MemoryError("no memory for an outcome of as_completed()") from None
        if failure is None:
            return result
        self._failures.pop(id(failure), None)
        try:
            raise_outcome(failure, ended_with_run)
        finally:
            # Not a cycle through this frame.
            del failure

    # When the interpreter ends this module may be empty by then.
    def __del__(
        self, report: Callable[[str, BaseException], None] = report_failure, what: str = _LOST
    ) -> None:
        if not hasattr(self, "_tasks"):
            return  # there was no memory for it
        self._tasks._cancel_sparing()
        for key, failure in self._failures.copy().items():
            if self._failures.pop(key, None) is not None:
                report(what, failure)


async def _complete(
    coro: Coro[T],
    outcomes: UnboundedSender[_Outcome],
    failures: dict[int, BaseException],
    tasks: scope,
) -> None:
    outcome: _Outcome
    try:
        outcome = await call(coro), None, False
    except (SystemExit, KeyboardInterrupt):
        raise
    except CancelledError as cancelled:
        outcome = None, handed_over(cancelled), ends_with_run()
    except BaseException as failure:
        failures[id(failure)] = failure
        # Either this or __del__ reports it: one of both sees what the other has done.
        if tasks.cancelled and failures.pop(id(failure), None) is not None:
            report_failure(_LOST, failure)
        outcome = None, handed_over(failure), False
    try:
        outcomes.send(outcome)
    except MemoryError:
        # Whoever waits for this one waits no longer.
        outcomes.close()
    except BrokenPipeError:
        pass  # another one has
