"""to_asyncio() and from_asyncio(): coroutines across the border to asyncio."""

from __future__ import annotations

import contextvars
from _collections_abc import Awaitable, Coroutine

from _tonio import suspending_call

from ._bridge import Guest, Visit
from ._generic import T
from .exceptions import CancelledError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from types import ModuleType
    from typing import Any

    from .types import Coro, Operation


def from_asyncio(coro: Awaitable[T]) -> Operation[T]:
    """Runs an asyncio coroutine, or another awaitable of asyncio's. Waiting for it gives the
    result or raises the exception; cancelling that cancels the coroutine, and its end is
    waited for.

    The coroutine gets an event loop of its own, on a thread of the blocking pool, and a copy
    of the caller's context variables. So what belongs to one loop (connections, locks,
    futures) can't be used in another call, and what it shares with tasks must be
    thread-safe."""
    if not isinstance(coro, Awaitable):
        kind = type(coro).__name__
        raise TypeError(f"from_asyncio() takes an awaitable of asyncio's, not {kind}")
    return suspending_call(_from_asyncio(coro))


async def _from_asyncio(coro: Awaitable[T]) -> T:
    return await _AsyncioVisit(coro).outcome()


class _AsyncioVisit(Visit[T]):
    def __init__(self, coro: Awaitable[T]) -> None:
        super().__init__()
        self._coro: Any = coro
        self._context = contextvars.copy_context()

    def run(self) -> T:
        # Not with this module: a program without asyncio would load it for nothing.
        import asyncio

        try:
            with asyncio.Runner() as runner:
                result: T = runner.run(self._main(asyncio), context=self._context)
                return result
        except asyncio.CancelledError as cancelled:
            raise CancelledError("the asyncio coroutine was cancelled") from cancelled

    async def _main(self, asyncio: ModuleType) -> T:
        coro: Awaitable[T] = self._coro
        self._coro = None
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        if self.begin():
            self._task.cancel()
        return await coro

    def ask(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._task.cancel)
        except RuntimeError:
            pass  # the loop is closed: the call has ended

    def close(self) -> None:
        if isinstance(self._coro, Coroutine):
            self._coro.close()


async def to_asyncio(coro: Coro[T]) -> T:
    """For asyncio programs: runs a tonio coroutine, a generator or an `async def`, on the
    workers. Awaiting it in asyncio gives the result or raises the exception; cancelling that
    cancels the coroutine, and its end is waited for."""
    import asyncio

    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def set_ended() -> None:
        if not ended.done():
            ended.set_result(None)

    def notify() -> None:
        try:
            loop.call_soon_threadsafe(set_ended)
        except RuntimeError:
            pass  # the loop was closed: nobody waits any more

    guest = Guest("tonio.to_asyncio()", coro, notify)
    request: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.wait([ended], timeout=guest.patience())
        except asyncio.CancelledError as cancelled:
            request = cancelled
            guest.cancel()
    try:
        return guest.outcome()
    except CancelledError as cancelled:
        if request is not None:
            raise request
        raise asyncio.CancelledError(str(cancelled)) from cancelled
    finally:
        # Not a cycle through this frame.
        del request
