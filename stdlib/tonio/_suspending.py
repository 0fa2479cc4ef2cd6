"""Public functions and methods that are written as coroutines."""

from __future__ import annotations

from _tonio import suspending_call

from ._wraps import wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, ParamSpec, TypeVar

    from .types import Operation

    _P = ParamSpec("_P")
    _T = TypeVar("_T")


def suspending(function: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Operation[_T]]:
    """Decorates an `async def`: what its call gives is waited for by `yield` and `yield from` as
    well as `await`. The coroutine is made at the call, and tells if nobody waits for it."""

    def call(*args: _P.args, **kwargs: _P.kwargs) -> Operation[_T]:
        return suspending_call(function(*args, **kwargs))

    return wrapping(function, call)
