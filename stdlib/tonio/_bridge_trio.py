"""to_trio() and from_trio(): coroutines across the border to trio, which comes from the
program's environment."""

from __future__ import annotations

import contextvars
from _collections_abc import Awaitable, Coroutine

from _tonio import suspending_call

from ._bridge import Guest, Visit
from ._generic import T
from .exceptions import CancelledError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .types import Coro, Operation


def _trio(function: str) -> Any:
    try:
        # Not `import`, which checkers would look for.
        return __import__("trio")
    except ModuleNotFoundError as missing:
        if missing.name != "trio":
            raise
        raise ModuleNotFoundError(
            f"{function} needs the package trio, which this environment has not: install it there",
            name="trio",
        ) from None


def from_trio(coro: Awaitable[T]) -> Operation[T]:
    """Runs a trio coroutine. Waiting for it gives the result or raises the exception;
    cancelling that cancels the coroutine, and its end is waited for.

    The coroutine gets a trio of its own, on a thread of the blocking pool, and a copy of the
    caller's context variables. So what belongs to one trio can't be used in another call,
    and what it shares with tasks must be thread-safe."""
    if not isinstance(coro, Awaitable):
        raise TypeError(f"from_trio() takes a trio coroutine, not {type(coro).__name__}")
    return suspending_call(_from_trio(coro))


async def _from_trio(coro: Awaitable[T]) -> T:
    return await _TrioVisit(coro).outcome()


class _TrioVisit(Visit[T]):
    def __init__(self, coro: Awaitable[T]) -> None:
        super().__init__()
        self._coro: Any = coro
        self._context = contextvars.copy_context()
        self._trio = _trio("from_trio()")

    def run(self) -> T:
        result: T = self._context.run(self._trio.run, self._main)
        return result

    async def _main(self) -> T:
        coro: Awaitable[T] = self._coro
        self._coro = None
        self._token = self._trio.lowlevel.current_trio_token()
        with self._trio.CancelScope() as self._limits:
            if self.begin():
                self._limits.cancel()
            return await coro
        raise CancelledError("the trio coroutine was cancelled")

    def ask(self) -> None:
        try:
            self._token.run_sync_soon(self._limits.cancel)
        except self._trio.RunFinishedError:
            pass  # the call has ended

    def close(self) -> None:
        if isinstance(self._coro, Coroutine):
            self._coro.close()


async def to_trio(coro: Coro[T]) -> T:
    """For trio programs: runs a tonio coroutine, a generator or an `async def`, on the
    workers. Awaiting it in trio gives the result or raises the exception; cancelling that
    cancels the coroutine, and its end is waited for."""
    trio = _trio("to_trio()")
    token = trio.lowlevel.current_trio_token()
    ended = trio.Event()

    def notify() -> None:
        try:
            token.run_sync_soon(ended.set)
        except trio.RunFinishedError:
            pass  # nobody waits any more

    async def wait() -> None:
        while not ended.is_set():
            patience = guest.patience()
            with trio.CancelScope() if patience is None else trio.move_on_after(patience):
                await ended.wait()

    guest = Guest("tonio.to_trio()", coro, notify)
    try:
        await wait()
    except BaseException:
        guest.cancel()
        with trio.CancelScope(shield=True):
            await wait()
        try:
            return guest.outcome()
        except CancelledError:
            pass
        raise
    return guest.outcome()
