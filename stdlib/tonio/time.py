"""The runtime's clock."""

from _tonio import sleep, time

__all__ = ["sleep", "time"]
