"""Calling anything that a task can run from an `async def`."""

from __future__ import annotations

import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from .types import Coro, Plain

    _T = TypeVar("_T")


def check_runnable(function: str, *coros: object) -> None:
    """Raises TypeError when a task can't run one of them, the arguments of `function`."""
    for coro in coros:
        if not (isinstance(coro, types.GeneratorType) or hasattr(coro, "__await__")):
            hint = " (call the function to get one)" if callable(coro) else ""
            raise TypeError(
                f"{function}() takes a generator, a coroutine or another awaitable{hint}, "
                f"not {coro!r}"
            )


@types.coroutine
def call(coro: Coro[_T]) -> Plain[_T]:
    """Awaits coro, which may be a generator of the `yield` notation as well: the task
    runs it on its own stack."""
    result: _T = yield coro
    return result
