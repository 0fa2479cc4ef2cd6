"""Waiter: several events at once."""

from __future__ import annotations

from _tonio import Event, scope, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .types import Plain


class Waiter:
    """Suspends until each of the events is set, or has been since the wait began. Gives None,
    or a list of a None each for several events. May be waited for again, and by several
    tasks."""

    __slots__ = ("_events",)

    def __init__(self, *events: Event) -> None:
        for event in events:
            if not isinstance(event, Event):
                kind = type(event).__name__
                raise TypeError(f"Waiter() takes objects of tonio.Event, not {kind}")
        self._events = events

    def __await__(self) -> Plain[list[None] | None]:
        return _wait(self._events).__await__()

    __iter__ = __await__


async def _wait(events: tuple[Event, ...]) -> list[None] | None:
    if not events:
        await sleep(0)
        return None
    first, *others = events
    # A task for each: one that waited for them in turn would miss an event that is set and
    # cleared again while it waits for another.
    async with scope() as waits:
        for event in others:
            waits.spawn(event.wait())
        await first.wait()
    return [None] * len(events) if others else None
