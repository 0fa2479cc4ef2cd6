"""The runtime's clock."""

from _tonio import sleep, time

from ._interval import interval
from ._timeout import timeout

__all__ = ["interval", "sleep", "time", "timeout"]
