"""select(): the first of several coroutines to finish."""

from __future__ import annotations

from _tonio import report_failure, scope, suspending_call

from ._call import call, check_runnable
from .exceptions import CancelledError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from .types import Coro, Operation

    _T = TypeVar("_T")
    _Outcome = tuple[Any, BaseException | None]


def select(*coros: Coro[_T]) -> Operation[_T]:
    """Runs the coroutines at the same time. Waiting for it gives the result of the first
    to finish, or raises its exception; the others are cancelled, and have ended. The
    result of one that has finished nevertheless is dropped, its failure is reported on
    standard error."""
    if not coros:
        raise ValueError("select() takes at least one coroutine")
    check_runnable("select", *coros)
    return suspending_call(_race(coros))


async def _race(coros: tuple[Coro[_T], ...]) -> _T:
    outcomes: list[_Outcome] = []
    try:
        async with scope() as racers:
            for coro in coros:
                racer = _compete(coro, outcomes, racers)
                try:
                    racers.spawn(racer)
                except MemoryError:
                    racer.close()
                    raise
    except BaseException:
        for _, lost in outcomes:
            if lost is not None:
                report_failure("coroutine of a select() that was cancelled", lost)
        raise
    if not outcomes:
        raise CancelledError("every coroutine of select() was cancelled")
    result: _T
    result, failure = outcomes[0]
    for _, late in outcomes[1:]:
        if late is not None:
            report_failure("coroutine that lost a select()", late)
    if failure is not None:
        try:
            raise failure
        finally:
            # Not a cycle through this frame.
            del failure, outcomes
    return result


async def _compete(coro: Coro[Any], outcomes: list[_Outcome], racers: scope) -> None:
    outcome: _Outcome
    try:
        outcome = await call(coro), None
    except (CancelledError, SystemExit, KeyboardInterrupt):
        raise
    except BaseException as failure:
        outcome = None, failure
    # One list operation, so one of them is the first.
    outcomes.append(outcome)
    racers._cancel_sparing()
