"""Types for annotations; see docs/guide/typing.md."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, Protocol, TypeVar, Union

__all__ = ["Coro", "Operation", "Plain"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Operation(Protocol[_T_co]):
    """What a call that suspends returns: `await`, `yield` and `yield from` wait for it and give
    a result of type T. A checker knows T with `await` and `yield from`; what comes out of
    `yield` has the type Any."""

    def __await__(self) -> Generator[Any, Any, _T_co]: ...
    def __iter__(self) -> Generator[Any, Any, _T_co]: ...


# Plain[T]: what a function of the `yield` notation that returns a T is annotated with.
Plain = Generator[Any, Any, _T]

# Coro[T]: what spawn(), run() and their like take: a generator, a coroutine, an operation or
# another awaitable, with a result of type T.
Coro = Union[Generator[Any, Any, _T], Awaitable[_T]]
