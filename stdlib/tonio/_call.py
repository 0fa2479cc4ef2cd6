"""Calling anything that a task can run from an `async def`."""

from __future__ import annotations

import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from .types import Coro, Plain

    _T = TypeVar("_T")


@types.coroutine
def call(coro: Coro[_T]) -> Plain[_T]:
    """Awaits coro, which may be a generator of the `yield` notation as well: the task
    runs it on its own stack."""
    result: _T = yield coro
    return result
