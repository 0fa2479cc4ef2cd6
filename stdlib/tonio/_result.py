"""Result: where tasks leave what they have found out."""

from __future__ import annotations

from _operator import index as as_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsIndex


class Result:
    """A place for `size` values, None at first. Any thread may store and fetch at any time;
    that a value has come is told by something else, an Event for instance."""

    __slots__ = ("_values",)

    def __init__(self, size: SupportsIndex = 1) -> None:
        size = as_index(size)
        if size < 0:
            raise ValueError(f"Result(): size must be 0 or more, not {size}")
        self._values: list[Any] = [None] * size

    def store(self, value: object, index: SupportsIndex | None = None) -> None:
        """Keeps value as the one of that index, from 0, or as the first."""
        at = 0 if index is None else as_index(index)
        if not 0 <= at < len(self._values):
            raise IndexError(
                f"Result.store(): index {at} is outside of a Result of size {len(self._values)}"
            )
        self._values[at] = value

    def fetch(self) -> Any:
        """What has been stored, which stays: the value for size 1, else a list of them all."""
        return self._values[0] if len(self._values) == 1 else self._values.copy()
