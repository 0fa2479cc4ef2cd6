"""signal_receiver(): signals of the process, handed to tasks.

A run that was given signals stands in for their handlers on the main thread (install(),
put_back()) and calls dispatch() there for what has come. Each stay in a receiver has a queue
of its own. Which stays there are for a signal is one tuple that is replaced as a whole, so
dispatch() reads it without a lock: a signal handler must not wait for code that it
interrupts.
"""

from __future__ import annotations

import sys

import _tonio

from ._handed_over import handed_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable
    from signal import SIGCONT, Signals
    from threading import RLock
    from types import FrameType
    from typing import Any

    from .types import Plain

    # As signal.getsignal() gives it.
    _Handler = Callable[[int, FrameType | None], Any] | int | None
else:
    # Parts of those modules: their names are enough here, and load faster.
    from _collections import deque
    from _signal import SIGCONT
    from _thread import RLock

# number -> (the handler that was there for Python, what the process did); main thread only
# writes.
_installed: dict[int, tuple[_Handler, bytes]] = {}
# number -> the stays that want it; written under _lock.
_stays: dict[int, tuple[_Stay, ...]] = {}
_lock = RLock()


def checked(signals: Iterable[int], what: str) -> tuple[int, ...]:
    """The signals as a tuple of ints, each once."""
    import signal

    if isinstance(signals, (str, bytes, int)) or not hasattr(signals, "__iter__"):
        raise TypeError(f"{what}: a list like [signal.SIGHUP] is wanted, not {signals!r}")
    numbers: list[int] = []
    for number in signals:
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"{what}: a signal like signal.SIGHUP is wanted, not {number!r}")
        if number not in signal.valid_signals():
            raise ValueError(f"{what}: there is no signal {number}")
        if number in (signal.SIGKILL, signal.SIGSTOP):
            name = signal.Signals(number).name
            raise ValueError(f"{what}: {name} can't be received by any program")
        if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
            name = signal.Signals(number).name
            raise ValueError(f"{what}: {name} tells of a fault, after which no program can go on")
        if number not in numbers:
            numbers.append(int(number))
    return tuple(numbers)


def _named(number: int) -> Signals | int:
    import signal

    try:
        return signal.Signals(number)
    except ValueError:  # a real-time signal between the first and the last
        return number


# What the run calls, on the main thread; install() and put_back() with signals blocked.


def install(signals: Iterable[int]) -> None:
    import signal

    try:
        for number in checked(signals, "signals"):
            _installed[number] = signal.getsignal(number), _tonio.signal_disposition(number)
            signal.signal(number, _wake_main_thread)
    except BaseException:
        put_back()
        forget()
        raise


def put_back() -> None:
    import signal

    for number, (handler, disposition) in _installed.items():
        # Somebody else's handler stays.
        if signal.getsignal(number) is _wake_main_thread:
            # None: a handler that Python doesn't know.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
            _tonio.set_signal_disposition(number, disposition)


def forget() -> None:
    _installed.clear()


def _wake_main_thread(number: int, frame: FrameType | None) -> None:
    """A handler has to be there so that Python writes the signal's number to the pipe on
    which the run waits; the run then calls dispatch()."""


def dispatch(numbers: Iterable[int]) -> BaseException | None:
    """Hands signals to their receivers. One that nobody wants does what it did before;
    gives the first exception that a handler has raised, without the frames of this module."""
    raised: BaseException | None = None
    for number in numbers:
        if number not in _installed:
            continue
        if stays := _stays.get(number):
            for stay in stays:
                stay.push(number)
            continue
        handler, disposition = _installed[number]
        try:
            if callable(handler):
                handler(number, sys._getframe().f_back)
            # SIGCONT has continued the process when it came; to raise it once more would
            # take back a stop signal that has come since.
            elif number != SIGCONT or handler is None:
                _act(number, disposition)
        # The other signals have been taken from the pipe already, and would be lost.
        except BaseException as error:
            if raised is None:
                raised = handed_over(error)
    return raised


def _act(number: int, disposition: bytes) -> None:
    import signal

    ours = _tonio.signal_disposition(number)
    _tonio.set_signal_disposition(number, disposition)
    try:
        # Ends the process, stops it until it is continued, or is ignored.
        signal.raise_signal(number)
    finally:
        _tonio.set_signal_disposition(number, ours)


class _Stay:
    """From entering a receiver to leaving it."""

    __slots__ = ("changed", "left", "queue")

    def __init__(self) -> None:
        self.queue: deque[int] = deque()
        self.left = False
        # Set when there may be something to see: a signal, or the end.
        self.changed = _tonio.Event()

    def push(self, number: int) -> None:
        self.queue.append(number)
        self.changed.set()

    def leave(self) -> None:
        self.left = True
        self.changed.set()

    def is_over(self) -> bool:
        return self.left and not self.queue

    def next(self) -> Plain[Signals | int | None]:
        """Waits for a signal; None when there will be none any more."""
        while True:
            try:
                number = self.queue.popleft()
            except IndexError:
                pass
            else:
                if self.queue:
                    self.changed.set()  # for another task that waits here
                return _named(number)
            if self.left:
                self.changed.set()  # a task that found neither may have cleared it
                return None
            self.changed.clear()
            # What came before that has been seen here; what comes after sets it again.
            if not self.queue and not self.left:
                # Not plain `yield`: one who goes on without waiting, as list() does, is told.
                yield from self.changed.wait()


class _Arrival:
    """The next signal of a stay: suspends, and gives the signal or None."""

    __slots__ = ("_stay",)

    def __init__(self, stay: _Stay) -> None:
        self._stay = stay

    def __await__(self) -> Plain[Signals | int | None]:
        return self._stay.next()

    __iter__ = __await__


class _Arrivals:
    """The signals of one stay, for `for` and for `async for`."""

    __slots__ = ("_stay",)

    def __init__(self, stay: _Stay) -> None:
        self._stay = stay

    def __iter__(self) -> _Arrivals:
        return self

    __aiter__ = __iter__

    def __next__(self) -> _Arrival:
        if self._stay.is_over():
            raise StopIteration
        return _Arrival(self._stay)

    async def __anext__(self) -> Signals | int:
        number = await _Arrival(self._stay)
        if number is None:
            raise StopAsyncIteration
        return number


class signal_receiver:
    """A context manager within which the given signals come to the program's tasks instead
    of doing what they did before:

        with tonio.signal_receiver(signal.SIGHUP) as sigs:
            for ev in sigs:             # async for sig in sigs:
                sig = yield ev          #     ...

    They must be among the signals of the run: tonio.run(main(), signals=[signal.SIGHUP]),
    or `tonio run --signals HUP`. Every receiver of a signal gets it, each in the order of
    arrival. When the receiver is left, iterations that other tasks are in end after what
    has come until then: `async for` just ends; with `for` a task that waits already gets
    None, and the next step ends the loop. May be entered again after it was left."""

    __slots__ = ("_numbers", "_stay")

    def __init__(self, *signals: int) -> None:
        if not signals:
            raise TypeError("signal_receiver() needs at least one signal")
        self._numbers = checked(signals, "signal_receiver()")
        # The last one: a task that begins to iterate when it has just been left finds an
        # iteration that is over, as one does that has begun before.
        self._stay: _Stay | None = None

    def __enter__(self) -> signal_receiver:
        for number in self._numbers:
            if number not in _installed:
                raise ValueError(_not_installed(number))
        with _lock:
            if self._stay is not None and not self._stay.left:
                raise RuntimeError("this signal_receiver() is entered already")
            self._stay = stay = _Stay()
            for number in self._numbers:
                _stays[number] = (*_stays.get(number, ()), stay)
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            stay = self._stay
            if stay is None:
                raise RuntimeError("this signal_receiver() was not entered")
            for number in self._numbers:
                _stays[number] = tuple(other for other in _stays[number] if other is not stay)
            stay.leave()

    def _arrivals(self) -> _Arrivals:
        stay = self._stay
        if stay is None:
            raise RuntimeError("this signal_receiver() was not entered: use it in a `with` block")
        return _Arrivals(stay)

    __iter__ = _arrivals
    __aiter__ = _arrivals


def _not_installed(number: int) -> str:
    sig = _named(number)
    name = getattr(sig, "name", None)
    code = f"signal.{name}" if name else str(sig)
    option = name.removeprefix("SIG") if name else str(sig)
    return (
        f"{code} is not among the signals of this run: tonio.run(..., signals=[{code}]), "
        f"@tonio.main(signals=[{code}]), or tonio run --signals {option}"
    )
