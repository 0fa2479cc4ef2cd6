"""What tonio raises beside the standard exceptions."""

from _tonio import (
    CancelledError,
    ResourceBroken,
    ResourceBusy,
    RuntimeAlreadyInitializedError,
    RuntimeNotInitializedError,
    TimeoutError,
    WouldBlock,
)

__all__ = [
    "CancelledError",
    "ResourceBroken",
    "ResourceBusy",
    "RuntimeAlreadyInitializedError",
    "RuntimeNotInitializedError",
    "TimeoutError",
    "WouldBlock",
]
