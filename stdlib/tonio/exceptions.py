"""What tonio raises beside the standard exceptions."""

from _tonio import (
    CancelledError,
    ResourceBroken,
    RuntimeAlreadyInitializedError,
    RuntimeNotInitializedError,
    TimeoutError,
    WouldBlock,
)

__all__ = [
    "CancelledError",
    "ResourceBroken",
    "RuntimeAlreadyInitializedError",
    "RuntimeNotInitializedError",
    "TimeoutError",
    "WouldBlock",
]
