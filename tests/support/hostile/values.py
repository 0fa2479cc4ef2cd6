"""Hostile arguments. Each has a name for the log; what a name stands for is made anew for
each call."""

import array
import collections
import contextlib
import os
import socket as std_socket
import sys
import threading

import tonio
from tonio.net import socket as tonio_socket

MOST_RUNNING = 4

_NUMBERS = {
    "0": 0, "1": 1, "2": 2, "7": 7, "-1": -1, "-0.0": -0.0, "0.001": 0.001, "-0.5": -0.5,
    "2**31": 2**31, "2**31-1": 2**31 - 1, "-2**31": -(2**31), "2**32": 2**32, "2**62": 2**62,
    "2**63-1": 2**63 - 1, "2**63": 2**63, "-2**63": -(2**63), "2**64": 2**64, "10**30": 10**30,
    "-10**30": -(10**30), "10**400": 10**400, "nan": float("nan"), "inf": float("inf"),
    "-inf": float("-inf"), "1e308": 1e308, "5e-324": 5e-324, "True": True, "False": False,
    "1j": 1j,
}  # fmt: skip
_TEXT = {
    "''": "", "NUL": "\0", "a": "a", "a NUL b": "a\0b", "surrogate": "\udc80", "lone high": "\ud800",
    "long": "a" * 5000, "rb": "rb", "w": "w", "address": "127.0.0.1", "b''": b"", "b'abc'": b"abc",
    "bytes NUL": b"\0", "bytes high": b"\xff\xfe", "%": "%s%n", "newline": "a\nb",
}  # fmt: skip
_CONTAINERS = {
    "()": (), "[]": [], "{}": {}, "set()": set(), "(None,)": (None,), "[[]]": [[]],
    "('127.0.0.1', 0)": ("127.0.0.1", 0), "('127.0.0.1', 2**40)": ("127.0.0.1", 2**40),
    "('', -1)": ("", -1), "(1,)*9": (1,) * 9, "[None]*50": [None] * 50, "{'a': 1}": {"a": 1},
    "['true']": ["true"], "range": range(3), "(2, 2.5)": (2, 2.5), "('::1', 0, 2**40, -1)": ("::1", 0, 2**40, -1),
}  # fmt: skip
_CLASSES = {
    "object": object, "int": int, "Event class": tonio.Event, "scope class": tonio.scope,
    "socket class": tonio_socket.socket, "BaseException": BaseException, "type": type,
    "CancelledError": tonio.exceptions.CancelledError, "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration, "GeneratorExit": GeneratorExit, "len": len,
    "Ellipsis": ..., "NotImplemented": NotImplemented, "sys": sys,
}  # fmt: skip


class Hostile:
    """Answers what it is asked for by doing what `act` does: raising, or coming back to tonio
    while tonio is in the middle of a call."""

    def __init__(self, act):
        # Not by an attribute: __getattr__ is hostile, too.
        object.__setattr__(self, "act", act)

    def _hostile(self, *args, **kwargs):
        return object.__getattribute__(self, "act")()

    __repr__ = object.__repr__

    def __setattr__(self, name, value):
        self._hostile()


class HostileHash(Hostile):
    __hash__ = __eq__ = Hostile._hostile


class HostileInt(int):
    """An int by its type, hostile where it is converted."""


for _name in (
    "__index__ __int__ __float__ __bool__ __len__ __length_hint__ __iter__ __next__ __getitem__"
    " __contains__ __await__ __aiter__ __anext__ __aenter__ __aexit__ __enter__ __exit__"
    " __call__ __fspath__ __bytes__ __buffer__ __str__ __lt__ __ge__ __add__ __sub__ __mul__"
    " __rsub__ __radd__ __rmul__ __mod__ fileno read write send throw close send_all"
    " receive_some accept cancel spawn set wait recv sendall detach encode"
).split():
    setattr(Hostile, _name, Hostile._hostile)
for _name in "__index__ __int__ __float__ __hash__ __eq__ __lt__ __gt__ __le__ __ge__".split():
    setattr(HostileInt, _name, lambda self, *args: self.act())


class Dying:
    """Does something when it is let go of."""

    def __init__(self, act):
        self.act = act

    def __del__(self):
        self.act()


class _Mark(str):
    pass


# Among the arguments of each exception that hostile values raise, by which it is known as theirs.
HOSTILE = _Mark("hostile")


def _raises(exception):
    def act():
        raise exception(HOSTILE)

    return act


async def sleeps(seconds=0.0):
    await tonio.sleep(seconds)
    return seconds


def steps(count=2):
    for _ in range(count):
        yield
    return count


async def fails():
    await tonio.sleep(0)
    raise LookupError(HOSTILE)


async def swallows():
    try:
        await tonio.sleep(0.05)
    except BaseException:
        await tonio.sleep(0)
    return "swallowed"


class Values:
    """Draws arguments. `objects` are what earlier calls gave; `target` is what the call that is
    being made is made on, for what closes it in between."""

    def __init__(self, random):
        self._random = random
        # Another one with each change: other threads are looking at the one that they have.
        self.objects = ()
        self._releases = collections.deque()  # of generators that run
        self.target = None
        self._simple = _NUMBERS | _TEXT | _CONTAINERS | _CLASSES | {"None": None}
        self._made = {
            name.removeprefix("_make_"): getattr(self, name)
            for name in dir(self) if name.startswith("_make_")
        }  # fmt: skip
        self._acts = {
            name.removeprefix("_act_"): getattr(self, name)
            for name in dir(self) if name.startswith("_act_")
        }  # fmt: skip

    def draw(self):
        """(name, value)"""
        kind = self._random.random()
        if kind < 0.55:
            name = self._random.choice(list(self._simple))
            return name, self._simple[name]
        if kind < 0.80 or not self.objects:
            name = self._random.choice(list(self._made))
            return name, self._made[name]()
        found = self._random.choice(self.objects)
        return f"<{type(found).__name__} {id(found):#x}>", found

    def _act(self):
        return self._random.choice(list(self._acts.values()))

    # What hostile objects do.

    def _act_raise_value_error(self):
        raise ValueError(HOSTILE)

    def _act_raise_base_exception(self):
        raise BaseException(HOSTILE)

    def _act_raise_cancelled(self):
        raise tonio.exceptions.CancelledError(HOSTILE)

    def _act_raise_stop_iteration(self):
        raise StopIteration(HOSTILE)

    def _act_give_none(self):
        return None

    def _act_give_text(self):
        return "hostile"

    def _act_give_number(self):
        return self._random.choice([0, 1, -1, 2**40, 2**63, 10**30])

    def _act_give_nan(self):
        return float("nan")

    def _act_give_itself(self):
        return iter([self.target])

    def _act_spawn(self):
        tonio.spawn.without_tracking(sleeps())
        return 1

    def _act_spawn_and_drop(self):
        tonio.spawn(sleeps(), steps())
        return 1

    def _act_set_event(self):
        for found in self.objects:
            if isinstance(found, tonio.Event):
                found.set()
        return 2

    def _act_close_target(self):
        close = getattr(self.target, "close", None)
        if close is not None:
            close()
        return 1

    def _act_close_socket(self):
        first, second = tonio_socket.socketpair()
        first.close()
        second.close()
        return first.fileno()

    def _act_run(self):
        tonio.run(sleeps())
        return 1

    def _act_block_on(self):
        tonio.block_on(sleeps())
        return 1

    def _act_collect(self):
        import gc

        gc.collect(0)
        return 1

    # What is made anew for each call.

    def _make_hostile(self):
        return Hostile(self._act())

    def _make_hostile_hash(self):
        return HostileHash(self._act())

    def _make_hostile_int(self):
        number = HostileInt(self._random.choice([0, 1, -1, 2**70]))
        number.act = self._act()
        return number

    def _make_dying(self):
        return Dying(self._act())

    def _make_list_of_dying(self):
        return [Dying(self._act()), Hostile(self._act())]

    def _make_callable_that_raises(self):
        return _raises(self._random.choice([ValueError, KeyboardInterrupt, SystemExit, StopIteration]))

    def _make_callable(self):
        return self._random.choice([sleeps, steps, fails, lambda *args: args, lambda *args: sleeps(0)])

    def _make_coroutine(self):
        return self._random.choice([sleeps, steps, fails, swallows])()

    def _make_finished_coroutine(self):
        finished = steps(0)
        next(finished, None)
        return finished

    def _make_closed_coroutine(self):
        closed = sleeps()
        closed.close()
        return closed

    def _make_started_coroutine(self):
        started = steps(3)
        next(started)
        return started

    def _make_running_generator(self):
        """It runs on a thread of its own, until a few more have been made."""
        began, release = threading.Event(), threading.Event()

        def running():
            began.set()
            release.wait()
            yield

        generator = running()
        threading.Thread(target=next, args=(generator,), daemon=True).start()
        began.wait()
        self._releases.append(release)
        if len(self._releases) > MOST_RUNNING:
            self._releases.popleft().set()
        return generator

    def _make_async_generator(self):
        async def items():
            yield 1
            await tonio.sleep(0)
            yield 2

        return items()

    def _make_operation(self):
        with contextlib.suppress(tonio.exceptions.RuntimeNotInitializedError):
            return self._random.choice(
                [tonio.sleep(0), tonio.sleep(0.01), tonio.Event().wait(0), tonio.spawn(sleeps())]
            )
        # A call has ended the run, so nothing can be spawned.
        return tonio.sleep(0)

    def _make_exported_bytearray(self):
        # Its size can't change while the view lives, which goes with it in the list.
        data = bytearray(16)
        return self._random.choice([data, memoryview(data), memoryview(data)[::2]])

    def _make_released_view(self):
        view = memoryview(b"abc")
        view.release()
        return view

    def _make_array(self):
        return array.array("i", [1, 2, 3])

    def _make_closed_socket(self):
        first, second = tonio_socket.socketpair()
        first.close()
        second.close()
        return first

    def _make_socket(self):
        first, second = tonio_socket.socketpair()
        self.objects += (second,)
        return first

    def _make_standard_socket(self):
        return std_socket.socket()

    def _make_closed_standard_socket(self):
        closed = std_socket.socket()
        closed.close()
        return closed

    def _make_closed_file(self):
        file = open(os.devnull, "rb")
        file.close()
        return file

    def _make_file(self):
        return open(os.devnull, "rb")

    def _make_event(self):
        return tonio.Event()

    def _make_exception(self):
        return self._random.choice(
            [kind(HOSTILE) for kind in (ValueError, tonio.exceptions.CancelledError, StopIteration, SystemExit)]
        )
