"""Exceptions that are raised in one thread and given to another."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _E = TypeVar("_E", bound=BaseException)


def handed_over(failure: _E) -> _E:
    """`failure`, which the caller has caught, without the caller's own frame. That one still
    runs when the other thread gets the exception, and nobody may look into a frame that
    another thread runs, as traceback.clear_frames() does (unittest's assertRaises calls it)."""
    own = failure.__traceback__
    return failure.with_traceback(own and own.tb_next)
