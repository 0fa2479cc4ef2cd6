"""What tonio raises beside the standard exceptions."""

from _tonio import (
    CancelledError,
    Deadlock,
    ResourceBroken,
    ResourceBusy,
    RuntimeAlreadyInitializedError,
    RuntimeNotInitializedError,
    TimeoutError,
    WouldBlock,
)

__all__ = [
    "CancelledError",
    "Deadlock",
    "ResourceBroken",
    "ResourceBusy",
    "RuntimeAlreadyInitializedError",
    "RuntimeNotInitializedError",
    "TimeoutError",
    "WouldBlock",
]
