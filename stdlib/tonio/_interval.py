"""interval(): ticks at regular times."""

from __future__ import annotations

from _thread import allocate_lock
from math import isnan

from _tonio import sleep, time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import SupportsFloat, SupportsIndex

    from .types import Plain


def _seconds(name: str, value: SupportsFloat | SupportsIndex) -> float:
    # float() also takes text.
    if not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        kind = type(value).__name__
        raise TypeError(f"interval(): {name} must be a number of seconds, not {kind}")
    seconds = float(value)
    if isnan(seconds):
        raise ValueError(f"interval(): {name} must not be NaN")
    return seconds


class _Tick:
    """Suspends until the interval's next tick."""

    __slots__ = ("_interval",)

    def __init__(self, interval: interval) -> None:
        self._interval = interval

    def __await__(self) -> Plain[None]:
        return self._interval._wait()

    __iter__ = __await__


class interval:
    """Ticks every `period` seconds. The first tick is due at `at`, a time on the runtime's
    clock, or at once; each further one a period after the one before was due, however long
    the work in between has taken. Only a tick that is late already when it is waited for
    comes at once, and the next one is due a period after that."""

    __slots__ = ("_count", "_due", "_lock", "_period")

    def __init__(
        self, period: SupportsFloat | SupportsIndex, at: SupportsFloat | SupportsIndex | None = None
    ) -> None:
        self._period = _seconds("period", period)
        if not self._period > 0:
            raise ValueError(f"interval(): period must be more than 0 seconds, not {period!r}")
        self._due = time() if at is None else _seconds("at", at)
        # How many ticks there have been. It and the time of the next change together.
        self._count = 0
        self._lock = allocate_lock()

    def tick(self) -> _Tick:
        """Suspends until the next tick. One that is cancelled stays for whoever waits
        next; of several that wait at once each gets a tick of its own."""
        return _Tick(self)

    def _wait(self) -> Plain[None]:
        while True:
            with self._lock:
                count, due = self._count, self._due
            late = True
            while (left := due - time()) > 0:
                late = False
                yield sleep(left)
            if late:
                yield sleep(0)  # ticks that are all late must not keep others from running
            with self._lock:
                if count == self._count:
                    self._count += 1
                    self._due = (time() if late else due) + self._period
                    return
