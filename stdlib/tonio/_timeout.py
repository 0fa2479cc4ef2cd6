"""timeout(): a coroutine with a time limit."""

from __future__ import annotations

from _tonio import scope, suspending_call

from ._call import call, check_runnable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeVar

    from .types import Coro, Operation

    _T = TypeVar("_T")
    _Outcome = tuple[_T, Literal[True]] | tuple[None, Literal[False]]


def timeout(coro: Coro[_T], timeout: float) -> Operation[_Outcome[_T]]:
    """Runs coro for at most `timeout` seconds. Waiting for it gives (output, True), or
    (None, False) when the time was over: coro was cancelled then, and has ended. An
    exception of coro's own is raised."""
    check_runnable("timeout", coro)
    return suspending_call(_limited(coro, scope(timeout=timeout)))


async def _limited(coro: Coro[_T], limit: scope) -> _Outcome[_T]:
    # In the waiting task itself: there is nobody to wait for when the scope is left.
    with limit:
        return (await call(coro)), True
    return None, False
