"""Which call is made next, and with what.

First, in an order that the seed gives, what is due: every callable with hostile arguments, every
natural call as it is, and every public method of each class as soon as there is an object of
it. Then what is drawn."""

import contextlib
import dataclasses
import functools
import inspect
import os
import types

import tonio
from sanitizers import SANITIZED
from tonio._signals import _Arrivals

from . import surface
from .naturals import NATURAL
from .values import Values

# In which a call may not be made here, and why.
LEFT_OUT = {
    "_tonio.set_signal_disposition": "takes the bytes of a struct sigaction, with addresses",
    "_tonio.end_tasks": "ends the task that makes the calls",
    "_tonio.freeze_clock": "stops the clock that ends waits",
    "_tonio.move_clock": "stops the clock that ends waits",
    "_tonio.jump_clock_after": "stops the clock that ends waits",
    "_tonio.wait_for_rest": "stops the clock that ends waits",
    "_tonio.set_failure_hook": "takes away the reports that are looked at",
}
LEFT_OUT_METHODS = {
    "tonio._runtime.Runtime.run_forever": "blocks for ever by design",
    "tonio.fs._lines.ReadAhead.rewound": "calls what the file gives it, a method of its own",
}
_INTERNAL = "no call gives one"
_BASE = "only what is derived of it is made"
# Of which there is no object to call methods on, and why.
LEFT_OUT_CLASSES = {
    "tonio.spawn": "its methods are callables of the package",
    "tonio.Rest": "what _tonio.wait_for_rest gives, which is left out",
    "tonio.types.Operation": "for isinstance() and for type checkers",
    "tonio.sync.Permits": _BASE,
    "tonio._generic.Generic": _BASE,
    "tonio._pipes._Pipe": _BASE,
    "tonio._bridge.Guest": _INTERNAL,
    "tonio._bridge.Visit": _INTERNAL,
    "tonio._bridge_asyncio._AsyncioVisit": _INTERNAL,
    "tonio._bridge_trio._TrioVisit": _INTERNAL,
    "tonio._importer.EmbeddedImporter": _INTERNAL,
    "tonio._process_exit._Polled": _INTERNAL,
    "tonio._process_exit._Watched": _INTERNAL,
    "tonio._runtime._Options": _INTERNAL,
    "tonio._signals._Stay": _INTERNAL,
    "tonio.fs._lines.ReadAhead": _INTERNAL,
    "tonio.net._connect._Attempts": _INTERNAL,
    "tonio.net._streams._Closing": _INTERNAL,
    "tonio.net.socket._NotByTheSystem": _INTERNAL,
    "tonio.sync.channel.Channel": _INTERNAL,
    "tonio.NameWithOutcome": _INTERNAL,
    "tonio.SharedWait": _INTERNAL,
}
# They take over or close a descriptor, so a number must not be one that somebody uses.
TAKES_DESCRIPTORS = ("socket", "Socket", "fromfd", "open", "wrap_file", "register",
                     "register_descriptor", "send_fds", "inherited_listeners", "open_process",
                     "run_process", "__init__", "_sendfile", "sendfile", "write_text", "from_stdlib_socket")  # fmt: skip
# They block until what they are given has ended, so that must end.
RUNS = ("run", "block_on", "run_until_complete", "run_pygen_until_complete",
        "run_pyasyncgen_until_complete", "main", "__call__", "spawn_blocking", "finish_blocking",
        "shield_blocking", "map_blocking", "to_asyncio", "from_asyncio", "to_trio", "from_trio")  # fmt: skip
# They fill as much memory as they are asked for, which a limit has to refuse.
ALLOCATES = ("Result", "__init__")
# Sanitizers need more addresses than any limit allows.
UNLIMITED = SANITIZED
# An iterator without an end fills the memory of who makes a list of it, as it does everywhere.
ENDLESS = (tonio.signal_receiver, _Arrivals)
# A shield that nobody leaves holds back the end of the test's own time limit.
NO_SHIELD = ("scope",)
MOST_OBJECTS = 120


@dataclasses.dataclass
class Call:
    text: str  # for the log
    make: object  # function of no arguments that makes it
    name: str  # the last part of what is called
    arguments: tuple = ()
    target: object = None  # whose method or attribute it is
    of_attribute: bool = False


class Calls:
    def __init__(self, random):
        self.random = random
        self.values = Values(random)
        self.callables = {k: v for k, v in surface.callables().items() if k not in LEFT_OUT}
        # What has to be called once: functions that make the call. It is appended to and
        # taken from by several threads.
        self._due = [lambda name=name: self._of_callable(name) for name in self.callables]
        self._due += [lambda natural=natural: self._natural(*natural, 0) for natural in NATURAL]
        random.shuffle(self._due)
        # __init__, which begins an object anew that other calls are due on.
        self._due_at_last = []
        # "class.method" of objects that there were, and of classes.
        self._offered = set()
        self.called = set()
        # The objects are wanted that have not come in all the time, on a busy machine.
        self.fetching = False
        self._to_fetch = []

    def some_are_due(self):
        return bool(self._due or self._due_at_last)

    def required(self):
        """The names of all public methods, of all classes that there are now."""
        found = set(self._offered)
        for kind in surface.classes():
            if surface.name_of(kind) not in LEFT_OUT_CLASSES:
                found.update(f"{surface.name_of(kind)}.{name}" for name in _required(kind))
        return found

    def next(self):
        for due in self._due, self._due_at_last:
            with contextlib.suppress(IndexError):
                return due.pop()()
        if self.fetching:
            # In turn: chance leaves some out for long.
            with contextlib.suppress(IndexError):
                return self._natural(*self._to_fetch.pop(), 0)
            self._to_fetch = self.random.sample(NATURAL, len(NATURAL))
        kind = self.random.random()
        if kind < 0.25:
            return self._natural(*self.random.choice(NATURAL))
        if kind < 0.50 or not self.values.objects:
            return self._of_callable(self.random.choice(list(self.callables)))
        kinds = {}
        for found in self.values.objects:
            kinds.setdefault(type(found), []).append(found)
        found = self.random.choice(kinds[self.random.choice(list(kinds))])
        methods, attributes = surface.members(found)
        if kind < 0.58 and attributes:
            return self._attribute(found, self.random.choice(attributes))
        methods = [name for name in methods if _may_be_called(type(found), name)]
        return self._method(found, self.random.choice(methods))

    def keep(self, result):
        """Calls are made on what calls gave."""
        items = result if isinstance(result, (tuple, list)) else [result]
        for item in items[:4]:
            if surface.is_ours(type(item).__module__):
                if isinstance(item, tonio.fs.Path) and (item.is_absolute() or ".." in item.parts):
                    continue
                self._offer(item)
                self.values.objects += (item,)
        kept = list(self.values.objects)
        while len(kept) > MOST_OBJECTS:
            kept.pop(self.random.randrange(MOST_OBJECTS))
        self.values.objects = tuple(kept)

    def _offer(self, found):
        kind = surface.name_of(type(found))
        for name in _required(found):
            full = f"{kind}.{name}"
            if full in self._offered:
                continue
            self._offered.add(full)
            due = self._due_at_last if name == "__init__" else self._due
            at = self.random.randrange(len(due) + 1)
            due.insert(at, lambda name=name: self._method(found, name))

    def _of_callable(self, name):
        function = self.callables[name]
        if isinstance(function, type) and name in self.called and self.random.random() < 0.1:
            return Call(f"{name}.__new__", lambda: _made_by_new(function), "__new__")
        self.called.add(name)
        return self._hostile(name, function)

    def _method(self, found, name):
        kind = type(found)
        self.called.add(f"{surface.name_of(kind)}.{name}")
        if name == "__init__" and not _is_native(kind):
            # The same of what is begun once more.
            self.values.objects = tuple(kept for kept in self.values.objects if kept is not found)
        text = f"<{surface.name_of(kind)} {id(found):#x}>.{name}"
        return self._hostile(text, lambda *a, **k: getattr(found, name)(*a, **k), found,
                             getattr(kind, name, None))  # fmt: skip

    def _natural(self, function, args, kwargs, hostile=0.5):
        name = getattr(function, "__name__", type(function).__name__)
        text = f"{getattr(function, '__module__', None) or 'tonio'}.{name}"
        args, kwargs = list(args()), kwargs()
        names = ["as it is"]
        if args and self.random.random() < hostile:
            place = self.random.randrange(len(args))
            drawn, args[place] = self._argument(name)
            names = [f"argument {place}: {drawn}"]
        return Call(f"{text}({', '.join(names)})", lambda: function(*args, **kwargs), name, tuple(args))

    def _attribute(self, found, name):
        text = f"<{surface.name_of(type(found))} {id(found):#x}>.{name}"
        action, make = "", lambda: getattr(found, name)
        if not name.startswith("_") or name.startswith("__"):
            drawn, value = self._draw()
            action, make = self.random.choice([
                ("", make),
                (f" = {drawn}", lambda: setattr(found, name, value)),
                (" del", lambda: delattr(found, name)),
            ])  # fmt: skip
        if action and _is_plain(found, name):
            # A plain attribute of a class in Python: what is left without it, or with
            # something else for it, is not worth a look.
            action, make = "", lambda: getattr(found, name)
        return Call(text + action, make, name, target=found, of_attribute=True)

    def _hostile(self, text, function, target=None, signed=None):
        name = text.rpartition(".")[2]
        positional, keywords = _parameters(signed or function, skip_self=target is not None)
        count = self.random.choice([len(positional), len(positional), self.random.randrange(5)])
        args = [self._argument(name) for _ in range(min(count, 9))]
        named = {}
        if keywords and self.random.random() < 0.4:
            for keyword in self.random.sample(keywords, min(len(keywords), self.random.randrange(1, 3))):
                named[keyword] = self._argument(name)
        if self.random.random() < 0.05:
            named["no_such_keyword"] = self._argument(name)
        if name in NO_SHIELD:
            named.pop("shield", None)
        shown = [n for n, _ in args] + [f"{k}={n}" for k, (n, _) in named.items()]
        values = [v for _, v in args]
        keywords = {k: v for k, (_, v) in named.items()}
        make = lambda: function(*values, **keywords)  # noqa: E731
        return Call(f"{text}({', '.join(shown)})", make, name, tuple(values), target)

    def _draw(self):
        while True:
            name, value = self.values.draw()
            if not isinstance(value, ENDLESS):
                return name, value

    def _argument(self, function):
        while True:
            name, value = self._draw()
            function = function.rpartition(".")[2]
            if function in TAKES_DESCRIPTORS and name.startswith("hostile"):
                # Its __index__ may say 0 or 1: closed once, that is the next descriptor that
                # the runtime opens, and closed again, it is that one.
                continue
            if function == "open" and isinstance(value, int) and 0 <= value < 4096:
                # What it returns may be awaited twice: two files then close that descriptor,
                # the second one when it is somebody else's.
                continue
            if function in TAKES_DESCRIPTORS and isinstance(value, int) and 0 <= value < 4096:
                value = os.open(os.devnull, os.O_RDONLY)
                return f"descriptor of /dev/null ({name})", value
            if UNLIMITED and function in ALLOCATES and isinstance(value, int) and value > 1 << 20:
                continue
            if function in RUNS and name.startswith("<"):
                continue
            return name, value


def _is_native(kind):
    return not isinstance(kind.__init__, types.FunctionType)


def _made_by_new(kind):
    """Without its __init__, after which a class in Python is not worth a look."""
    made = kind.__new__(kind)
    return made if _is_native(kind) else None


def _is_plain(found, name):
    of_class = inspect.getattr_static(type(found), name, None)
    return inspect.ismemberdescriptor(of_class) or name in getattr(found, "__dict__", ())


def _required(of):
    """The public methods of an object or a class: those without an underscore, and the special
    ones that every object has only where they are not what every object has."""
    kind = of if isinstance(of, type) else type(of)
    for name in surface.members(of)[0]:
        if not name.startswith("_") or name.startswith("__"):
            if getattr(kind, name, None) is not getattr(object, name, _NOTHING):
                if _may_be_called(kind, name):
                    yield name


_NOTHING = object()


@functools.cache
def _public_classes():
    return {value for value in surface.callables().values() if isinstance(value, type)}


def _may_be_called(kind, name):
    if name == "__init__" and not _is_native(kind):
        # One that only the package calls has nothing to check.
        return kind in _public_classes()
    return f"{surface.name_of(kind)}.{name}" not in LEFT_OUT_METHODS


def _parameters(function, skip_self):
    """(names of positional parameters without a default, names that may be keywords)"""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return ["?"], []
    if skip_self and parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    positional = [
        p.name for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    ]  # fmt: skip
    keywords = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return positional, keywords
