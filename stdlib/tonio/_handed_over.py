"""Exceptions that are raised in one thread and given to another."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeVar

    _E = TypeVar("_E", bound=BaseException)


_traceback = BaseException.__dict__["__traceback__"]


def handed_over(failure: _E) -> _E:
    """`failure`, which the caller has caught, without the caller's own frame. That one still
    runs when the other thread gets the exception, and nobody may look into a frame that
    another thread runs, as traceback.clear_frames() does (unittest's assertRaises calls it)."""
    # BaseException's own: a class may have others of these names.
    own: TracebackType | None = _traceback.__get__(failure)
    BaseException.with_traceback(failure, own and own.tb_next)
    return failure
