"""What the bridges to other event loops share: a task that waits for such a loop, and a
tonio coroutine that such a loop waits for."""

from __future__ import annotations

from _thread import allocate_lock
from _weakref import ref

from _tonio import Event, block_on, refuse_on_worker, scope, sleep, spawn, spawn_blocking

from ._call import call
from ._generic import Generic, T
from ._handed_over import handed_over
from .exceptions import CancelledError, RuntimeNotInitializedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .types import Coro

# While a coroutine has not begun; seconds.
_LOOK_AGAIN = 0.05


class Visit(Generic[T]):
    """A call into another event loop, which runs on a thread of the blocking pool until the
    call has ended. For each library there is a subclass with

    run()     blocks: runs the loop and the call; gives its result. Raises CancelledError when
              the call has ended because it was asked to.
    ask()     asks the call, which runs, to end. From any thread, once.
    close()   the call is not going to begin.

    `began` is set by run(), under `mutex`, when there is something to ask."""

    def __init__(self) -> None:
        self.mutex = allocate_lock()
        self.began = False
        self.asked = False
        # Whether the thread has taken the call, or the task has given it up before.
        self._taken = False

    def run(self) -> T:
        raise NotImplementedError

    def ask(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    async def outcome(self) -> T:
        """Suspends until the call has ended; gives its result or raises its exception. When
        the waiting task is cancelled, so is the call, and its end is waited for."""
        ended = Event()
        job = spawn_blocking(self._work, ended)
        try:
            await ended.wait()
        except CancelledError:
            if self._take():
                self.close()
                raise
            self._cancel()
            # Not `await job`, which would interrupt the thread rather than the call.
            with scope(shield=True):
                await ended.wait()
                try:
                    return await job
                except CancelledError:
                    pass
            raise
        return await job

    def begin(self) -> bool:
        """By run(): from now on the call may be asked to end. Whether it is so already."""
        with self.mutex:
            self.began = True
            return self.asked

    def _take(self) -> bool:
        with self.mutex:
            taken, self._taken = self._taken, True
        return not taken

    def _work(self, ended: Event) -> T:
        try:
            # None is for nobody: the task has given the call up.
            return self.run() if self._take() else None  # type: ignore[return-value]
        finally:
            ended.set()

    def _cancel(self) -> None:
        with self.mutex:
            self.asked = True
            began = self.began
        if began:
            self.ask()


class Guest(Generic[T]):
    """A tonio coroutine that another event loop waits for. notify() is called when it has
    ended, on whatever thread. RuntimeError on a worker, which that loop would block; `caller`
    is named there."""

    def __init__(self, caller: str, coro: Coro[T], notify: Callable[[], object]) -> None:
        refuse_on_worker(caller)
        self._notify = notify
        self._limits = scope()
        # How it has ended, until outcome() has given it away.
        self._result: Any = None
        self._failure: BaseException | None = None
        self._began = False
        try:
            self._start(coro)
        except RuntimeNotInitializedError:
            # A plain Python starts the runtime with its first run.
            block_on(sleep(0))
            self._start(coro)

    def _start(self, coro: Coro[T]) -> None:
        task = _guest(coro, self)
        try:
            spawn.without_tracking(task)
        except BaseException:
            task.close()
            raise
        # A task that is cancelled before its first step never runs; it is only freed.
        self._gone = ref(task, self._dropped)

    def _dropped(self, _: object) -> None:
        if not self._began:
            self._ended(CancelledError("not begun"))

    def patience(self) -> float | None:
        """How long its end may be waited for before that is begun anew; seconds or None. What
        this thread has made and another drops is freed by this thread, when it wakes."""
        return None if self._began else _LOOK_AGAIN

    def cancel(self) -> None:
        """Asks it to end, once: the end of the run, which may have cancelled the other loop as
        well, does so itself. From any thread."""
        self._limits._cancel_sparing()

    async def run(self, coro: Coro[T]) -> None:
        self._began = True
        result: T | None = None
        failure: BaseException | None = CancelledError("the coroutine was cancelled")
        try:
            with self._limits:
                result = await call(coro)
                failure = None
        except BaseException as raised:
            failure = handed_over(raised)
        try:
            self._ended(failure, result)
        finally:
            # Not a cycle through this frame.
            del failure

    def _ended(self, failure: BaseException | None, result: T | None = None) -> None:
        self._failure = failure
        self._result = result
        self._notify()

    def outcome(self) -> T:
        """Its result, or raises its exception: CancelledError when it was cancelled. Once."""
        failure, self._failure = self._failure, None
        result: T = self._result
        self._result = None
        try:
            if failure is not None:
                raise failure
            return result
        finally:
            del failure


async def _guest(coro: Coro[T], guest: Guest[T]) -> None:
    await guest.run(coro)
