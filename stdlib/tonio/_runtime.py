"""run(), main and runtime(): how a program enters the runtime.

The options are those of the reference: `context` gives every task a copy of its
spawner's contextvars, `signals` are those that signal receivers want, `threads` is the
number of workers (None: the usable CPUs), and the last two bound the blocking pool
(threads; seconds that an idle one stays). What `tonio run` was told on its command line
or in the environment wins over them.
"""

from __future__ import annotations

from _thread import allocate_lock

import _tonio

from . import _signals
from ._wraps import wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, ParamSpec, TypedDict, TypeVar, overload

    from .types import Coro, Plain

    _P = ParamSpec("_P")
    _T = TypeVar("_T")

    class _Native(TypedDict):
        context: bool
        threads: int
        blocking_threads: int
        blocking_ttl: float
        signals: tuple[int, ...]


# As on the command line (launcher/options.cpp).
_MOST_THREADS = 1024
_MOST_BLOCKING_THREADS = 65_536


def _positive(name: str, value: int | None, most: int) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if not 1 <= value <= most:
        raise ValueError(f"{name} must be 1 to {most}, not {value}")
    return value


class _Options:
    """Checked options, as the native run() takes them."""

    __slots__ = ("_native",)

    def __init__(
        self,
        context: bool = False,
        signals: Iterable[int] | None = None,
        threads: int | None = None,
        blocking_threadpool_size: int | None = None,
        blocking_threadpool_idle_ttl: float | None = None,
    ) -> None:
        if not isinstance(context, bool):
            raise TypeError(f"context must be a bool, not {type(context).__name__}")
        ttl = blocking_threadpool_idle_ttl
        if ttl is not None:
            if not isinstance(ttl, (int, float)) or isinstance(ttl, bool):
                kind = type(ttl).__name__
                raise TypeError(f"blocking_threadpool_idle_ttl must be a number, not {kind}")
            if not ttl >= 0:
                raise ValueError(f"blocking_threadpool_idle_ttl must not be negative: {ttl}")
        self._native: _Native = {
            "context": context,
            "threads": _positive("threads", threads, _MOST_THREADS),
            "blocking_threads": _positive(
                "blocking_threadpool_size", blocking_threadpool_size, _MOST_BLOCKING_THREADS
            ),
            "blocking_ttl": -1.0 if ttl is None else float(ttl),
            "signals": () if signals is None else _signals.checked(signals, "signals"),
        }

    def run(
        self,
        coro: Coro[_T],
        end_others: bool,
        *,
        forever: bool = False,
        group: int = 0,
        limit: float = 0.0,
    ) -> _T:
        return _tonio.run(
            coro,
            end_others=end_others,
            forever=forever,
            group=group,
            limit=limit,
            **self._native,
        )


def run(
    coro: Coro[_T],
    context: bool = False,
    signals: Iterable[int] | None = None,
    threads: int | None = None,
    blocking_threadpool_size: int | None = None,
    blocking_threadpool_idle_ttl: float | None = None,
) -> _T:
    """Runs coro (a generator, coroutine or other awaitable) on the workers, blocks until
    it has ended, and gives its result or raises its exception. Tasks that are left then
    are cancelled and waited for."""
    options = _Options(
        context, signals, threads, blocking_threadpool_size, blocking_threadpool_idle_ttl
    )
    return options.run(coro, end_others=True)


if TYPE_CHECKING:

    @overload
    def main(function: Callable[_P, Coro[_T]], /) -> Callable[_P, _T]: ...
    @overload
    def main(
        *,
        context: bool = False,
        signals: Iterable[int] | None = None,
        threads: int | None = None,
        blocking_threadpool_size: int | None = None,
        blocking_threadpool_idle_ttl: float | None = None,
    ) -> Callable[[Callable[_P, Coro[_T]]], Callable[_P, _T]]: ...


def main(function: Callable[..., Coro[Any]] | None = None, /, **options: Any) -> Callable[..., Any]:
    """Decorates a generator or async function so that calling it runs it. Bare, or with
    run()'s options. `tonio run` calls the function if the script does not."""

    def decorate(function: Callable[..., Coro[Any]]) -> Callable[..., Any]:
        checked = _Options(**options)

        def run_main(*args: Any, **kwargs: Any) -> Any:
            return checked.run(function(*args, **kwargs), end_others=True)

        wrapped = wrapping(function, run_main)
        _tonio.declare_entrypoint(wrapped)
        return wrapped

    if function is None:
        return decorate
    if not callable(function):
        raise TypeError(f"@tonio.main decorates a function, not {function!r}")
    return decorate(function)


class Runtime:
    """A runtime whose runs can follow each other: tasks that one has spawned go on, until
    stop()."""

    __slots__ = ("_lock", "_options", "_stop_asked", "_stopped")

    def __init__(
        self,
        context: bool = False,
        signals: Iterable[int] | None = None,
        threads: int | None = None,
        blocking_threadpool_size: int | None = None,
        blocking_threadpool_idle_ttl: float | None = None,
    ) -> None:
        self._options = _Options(
            context, signals, threads, blocking_threadpool_size, blocking_threadpool_idle_ttl
        )
        self._lock = allocate_lock()
        # Both under the lock: the event of a run_forever() that goes on, and whether the
        # next one is to end at once.
        self._stopped: _tonio.Event | None = None
        self._stop_asked = False

    def run_until_complete(self, coro: Coro[_T]) -> _T:
        """Runs coro and gives its result or raises its exception."""
        return self._options.run(coro, end_others=False)

    run_pygen_until_complete = run_until_complete
    run_pyasyncgen_until_complete = run_until_complete

    def run_forever(self) -> None:
        """Blocks until stop() is called from a task or another thread. A stop() that came
        from there before it has begun ends it at once."""
        stopped = _tonio.Event()
        with self._lock:
            if self._stop_asked:
                stopped.set()
            self._stop_asked = False
            self._stopped = stopped

        def wait() -> Plain[None]:
            yield stopped.wait()

        try:
            self._options.run(wait(), end_others=True, forever=True)
        finally:
            with self._lock:
                self._stopped = None

    def stop(self) -> None:
        """Ends run_forever(). On the main thread, outside of it, cancels the tasks that
        earlier runs have left and waits for them."""
        with self._lock:
            if self._stopped is not None:
                self._stopped.set()
                return
            if not _tonio.on_main_thread():
                self._stop_asked = True
                return
        _tonio.end_tasks()


def runtime(
    context: bool = False,
    signals: Iterable[int] | None = None,
    threads: int | None = None,
    blocking_threadpool_size: int | None = None,
    blocking_threadpool_idle_ttl: float | None = None,
) -> Runtime:
    """A Runtime with run()'s options."""
    return Runtime(
        context, signals, threads, blocking_threadpool_size, blocking_threadpool_idle_ttl
    )
