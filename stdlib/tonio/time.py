"""The runtime's clock."""

from _tonio import sleep, time

from ._interval import interval

__all__ = ["interval", "sleep", "time"]
