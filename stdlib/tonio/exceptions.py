"""What tonio raises beside the standard exceptions."""

from _tonio import (
    CancelledError,
    Deadlock,
    ResourceBroken,
    RuntimeAlreadyInitializedError,
    RuntimeNotInitializedError,
    TimeoutError,
    WouldBlock,
)

__all__ = [
    "CancelledError",
    "Deadlock",
    "ResourceBroken",
    "RuntimeAlreadyInitializedError",
    "RuntimeNotInitializedError",
    "TimeoutError",
    "WouldBlock",
]
