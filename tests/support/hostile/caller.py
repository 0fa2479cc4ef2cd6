"""Makes hostile calls, until the time is over. Run by tests/stress/test_hostile_calls.py as

    tonio -m hostile.caller SEED PLACE SECONDS FOLDER LOG

PLACE is where the calls are made: "worker" in a task, "thread" on a threading.Thread while a
task waits, "main" on the main thread outside of a run, "together" in two tasks and on a thread at
the same time, on the same objects. Every callable is called once, in an order that the seed gives;
then calls are drawn until the time is over. Each call is written to LOG before it is
made; what should never come out of one is written there as a line that begins with BAD.
"""

import collections
import contextlib
import dis
import faulthandler
import inspect
import os
import random
import re
import resource
import sys
import threading
import time
import traceback
import types
import warnings

import tonio
from sanitizers import SANITIZED
from tonio.time import timeout

from . import guard, surface
from .naturals import NATURAL
from .values import Values, sleeps

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
# Methods that block for ever by design.
LEFT_OUT_METHODS = {"run_forever"}
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
# A shield that nobody leaves holds back the end of the test's own time limit.
NO_SHIELD = ("scope",)
# Our mistake, wherever it comes out.
NEVER = (SystemError, AssertionError, NameError)
# Our mistake where the interpreter raises it in a line of ours: it tells of the line and not of
# the argument.
NEVER_FROM_OURS = (AttributeError, KeyError, IndexError)
# The same of a TypeError. What says which type is wanted is for the caller.
OF_A_LINE = re.compile(
    "NoneType.* (is not (iterable|an iterator|callable|subscriptable)|has no len)"
    "|^cannot unpack .*NoneType|^unsupported operand .*NoneType|^'.*' not supported between .*NoneType"
)
RAISE = dis.opmap["RAISE_VARARGS"]
MOST_OBJECTS = 120
LIMIT = 0.005
SHORT_OF_HANGING = 12
OUR_FILES = os.path.dirname(inspect.getsourcefile(tonio))


class Caller:
    def __init__(self, seed, place, log):
        self.random = random.Random(seed)
        self.values = Values(self.random)
        self.place = place
        self.log_file = log
        self.callables = {k: v for k, v in surface.callables().items() if k not in LEFT_OUT}
        # Those that have not been called yet.
        self.uncalled = self.random.sample(list(self.callables), len(self.callables))
        self.count = 0
        self.bad = 0
        self.raised = collections.Counter()

    def log(self, text):
        os.write(self.log_file, (text.replace("\n", "\\n") + "\n").encode(errors="replace"))

    # Which call.

    def choose(self):
        """(text for the log, function of no arguments that makes the call, what it is on)"""
        with contextlib.suppress(IndexError):
            name = self.uncalled.pop()
            return self.hostile(name, self.callables[name], None)
        kind = self.random.random()
        if kind < 0.25:
            function, args, kwargs = self.random.choice(NATURAL)
            return self.natural(function, list(args()), kwargs())
        if kind < 0.50 or not self.values.objects:
            name = self.random.choice(list(self.callables))
            function = self.callables[name]
            if isinstance(function, type) and self.random.random() < 0.1:
                return f"{name}.__new__", lambda: _made_by_new(function), None
            return self.hostile(name, function, None)
        kinds = {}
        for found in self.values.objects.copy():
            kinds.setdefault(type(found), []).append(found)
        found = self.random.choice(kinds[self.random.choice(list(kinds))])
        methods, attributes = surface.members(type(found))
        what = f"<{type(found).__module__}.{type(found).__name__} {id(found):#x}>"
        if kind < 0.58 and attributes:
            return self.attribute(what, found, self.random.choice(attributes))
        name = self.random.choice([m for m in methods if m not in LEFT_OUT_METHODS])
        if name == "__init__" and not _is_native(type(found)):
            # The same of what is begun once more.
            with contextlib.suppress(ValueError):
                self.values.objects.remove(found)
        return self.hostile(f"{what}.{name}", lambda *a, **k: getattr(found, name)(*a, **k), found,
                            getattr(type(found), name, None), name)  # fmt: skip

    def natural(self, function, args, kwargs):
        name = getattr(function, "__name__", type(function).__name__)
        name = f"{getattr(function, '__module__', 'tonio')}.{name}"
        names = ["as it is"]
        if args and self.random.random() < 0.5:
            place = self.random.randrange(len(args))
            drawn, args[place] = self.argument(name)
            names = [f"argument {place}: {drawn}"]
        return f"{name}({', '.join(names)})", lambda: function(*args, **kwargs), None

    def attribute(self, what, found, name):
        if name.startswith("_") and not name.startswith("__"):
            return f"{what}.{name}", lambda: getattr(found, name), found
        drawn, value = self.values.draw()
        action, make = self.random.choice([
            ("", lambda: getattr(found, name)),
            (f" = {drawn}", lambda: setattr(found, name, value)),
            (" del", lambda: delattr(found, name)),
        ])  # fmt: skip
        if action and inspect.ismemberdescriptor(inspect.getattr_static(type(found), name)):
            # A plain attribute of a class in Python: what is left without it, or with
            # something else for it, is not worth a look.
            action, make = "", lambda: getattr(found, name)
        return f"{what}.{name}{action}", make, found

    def hostile(self, text, function, target, signed=None, name=None):
        name = name or text.rpartition(".")[2]
        positional, keywords = _parameters(signed or function, skip_self=target is not None)
        count = self.random.choice([len(positional), len(positional), self.random.randrange(5)])
        args = [self.argument(name) for _ in range(min(count, 9))]
        named = {}
        if keywords and self.random.random() < 0.4:
            for keyword in self.random.sample(keywords, min(len(keywords), self.random.randrange(1, 3))):
                named[keyword] = self.argument(name)
        if self.random.random() < 0.05:
            named["no_such_keyword"] = self.argument(name)
        if name in NO_SHIELD:
            named.pop("shield", None)
        shown = [n for n, _ in args] + [f"{k}={n}" for k, (n, _) in named.items()]
        values = [v for _, v in args]
        keywords = {k: v for k, (_, v) in named.items()}
        return f"{text}({', '.join(shown)})", lambda: function(*values, **keywords), target

    def argument(self, function):
        while True:
            name, value = self.values.draw()
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

    # Making it.

    def before(self):
        text, call, target = self.choose()
        self.count += 1
        self.log(f"{self.count} {self.place} {text}")
        self.values.target = target
        return call

    def keep(self, result):
        """Calls are made on what calls gave."""
        found = result if isinstance(result, (tuple, list)) else [result]
        for item in found[:4]:
            if surface.is_ours(type(item).__module__):
                if isinstance(item, tonio.fs.Path) and (item.is_absolute() or ".." in item.parts):
                    continue
                self.values.objects.append(item)
        while len(self.values.objects) > MOST_OBJECTS:
            self.values.objects.pop(self.random.randrange(MOST_OBJECTS))

    def judge(self, error):
        """Counts, and reports what is nobody's documented exception."""
        pending, seen = [error], set()
        while pending:
            error = pending.pop()
            if error is None or id(error) in seen:
                continue
            seen.add(id(error))
            if isinstance(error, BaseExceptionGroup):
                pending += error.exceptions
            pending.append(error.__cause__)
            self.raised[type(error).__name__] += 1
            if isinstance(error, NEVER) or _is_of_our_lines(error):
                self.bad += 1
                text = "".join(traceback.format_exception(error))
                self.log(f"BAD {self.count}: {text}")

    def attempt(self, call):
        """The call without what has to be waited for: (succeeded, result)"""
        try:
            return True, call()
        except BaseException as error:
            self.judge(error)
            return False, None

    async def in_task(self):
        call = self.before()
        succeeded, result = self.attempt(call)
        if succeeded:
            self.keep(result)
            await self.drive(result)

    async def drive(self, result):
        """Waits for what the call gave, in one of the ways that there are."""
        way = self.random.choice(
            ["await", "yield", "twice", "two tasks", "drop", "by hand", "spawn", "iterate", "enter"]
        )
        self.log(f"  {way}")
        try:
            if way == "drop":
                return
            if way == "by hand":
                self.by_hand(result)
            elif way == "iterate":
                if hasattr(type(result), "__aiter__"):
                    await timeout(_iterated(result), LIMIT)
                elif hasattr(type(result), "__next__") or inspect.isgenerator(result):
                    pass
                elif hasattr(type(result), "__iter__"):
                    await timeout(_first_of(result), LIMIT)
            elif way == "enter":
                if hasattr(type(result), "__aenter__"):
                    await timeout(_entered(result), LIMIT)
                elif hasattr(type(result), "__enter__"):
                    with result:
                        await tonio.sleep(0)
            elif not hasattr(type(result), "__await__") and not inspect.isgenerator(result):
                return
            elif way == "await":
                self.keep((await timeout(result, LIMIT))[0])
            elif way == "yield":
                await timeout(_yielded(result), LIMIT)
            elif way == "twice":
                await timeout(result, LIMIT)
                await timeout(result, LIMIT)
            elif way == "two tasks":
                await tonio.spawn(timeout(_yielded(result), LIMIT), timeout(_yielded(result), LIMIT))
            elif way == "spawn":
                await timeout(tonio.spawn(_yielded(result)), LIMIT)
        except BaseException as error:
            self.judge(error)

    def by_hand(self, result):
        for name in self.random.sample(["send", "throw", "close", "__next__", "__iter__"], 3):
            method = getattr(result, name, None)
            if method is None or not surface.is_ours(type(result).__module__):
                continue
            drawn, value = self.values.draw()
            arguments = (value,) if name in ("send", "throw") else ()
            self.log(f"  .{name}({drawn if arguments else ''})")
            try:
                method(*arguments)
            except BaseException as error:
                self.judge(error)

    def watch(self):
        """Tells what the tasks do when a call takes long: how it came to hang."""
        seen = None
        while True:
            time.sleep(SHORT_OF_HANGING)
            if seen == self.count:
                for task in tonio.tasks():
                    print("WATCH", task, file=sys.stderr, flush=True)
                return
            seen = self.count

    # Where it is made.

    def goes_on(self, end):
        return self.uncalled or time.monotonic() < end

    def on_worker(self, end, tasks=1):
        async def calls():
            while self.goes_on(end):
                # In a task of its own each: it may cancel or close itself.
                try:
                    await tonio.spawn(self.in_task())
                except BaseException as error:
                    self.judge(error)
                    if not isinstance(error, BaseExceptionGroup):
                        raise

        tonio.run(self.spawned(calls, tasks), threads=2)

    async def spawned(self, calls, tasks):
        await tonio.spawn(*[calls() for _ in range(tasks)])

    def together(self, end):
        thread = threading.Thread(target=self.calls_of_thread, args=(end,))
        thread.start()
        while thread.is_alive():
            self.attempt(lambda: self.on_worker(end, 2))
        thread.join()

    def calls_of_thread(self, end):
        while self.goes_on(end):
            call = self.before()
            succeeded, result = self.attempt(call)
            if succeeded:
                self.keep(result)
                self.attempt(lambda: tonio.block_on(self.drive(result)))  # noqa: B023

    def on_thread(self, end):
        finished = tonio.Event()

        def calls():
            try:
                self.calls_of_thread(end)
            finally:
                finished.set()

        async def waits():
            while not finished.is_set():
                await finished.wait(0.1)

        # That a call ends the run is no reason for the thread to stop.
        thread = threading.Thread(target=calls)
        thread.start()
        while thread.is_alive():
            self.attempt(lambda: tonio.run(waits(), threads=2))
        thread.join()

    def on_main(self, end):
        while self.goes_on(end):
            call = self.before()
            succeeded, result = self.attempt(call)
            if succeeded:
                self.keep(result)
                self.attempt(lambda: tonio.run(self.drive(result), threads=2))  # noqa: B023

    def work(self, end):
        make = {
            "worker": self.on_worker,
            "thread": self.on_thread,
            "main": self.on_main,
            "together": self.together,
        }[self.place]
        while self.goes_on(end):
            try:
                make(end)
            except BaseException as error:
                self.judge(error)


def _is_of_our_lines(error):
    """Whether it comes of a line of ours that has not checked what a public call was given."""
    if not isinstance(error, NEVER_FROM_OURS):
        if not isinstance(error, TypeError) or not OF_A_LINE.search(str(error)):
            return False
    traced, public = error.__traceback__, None
    while traced is not None:
        code, at = traced.tb_frame.f_code, traced.tb_lasti
        ours = code.co_filename.startswith(OUR_FILES + os.sep)
        if ours and public is None:
            # A property of the same name is there if what is wrapped has one (TLSStream.socket).
            same = isinstance(error, AttributeError) and error.name == code.co_name
            public = not same and not _PRIVATE.search(code.co_qualname)
        traced = traced.tb_next
    # A `raise` of ours is a check.
    return bool(public and ours and code.co_code[at] != RAISE)


# _name, but not __init__
_PRIVATE = re.compile(r"(^|\.)_[^_]")


def _is_native(kind):
    return not isinstance(kind.__init__, types.FunctionType)


def _made_by_new(kind):
    """Without its __init__, after which a class in Python is not worth a look."""
    made = kind.__new__(kind)
    return made if _is_native(kind) else None


async def _iterated(result):
    async for _ in result:
        return


def _first_of(result):
    for count, item in enumerate(result):
        yield item
        if count == 3:
            return


async def _entered(result):
    async with result:
        await tonio.sleep(0)


def _yielded(result):
    return (yield result)


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


def main(seed, place, seconds, folder, log):
    faulthandler.enable()
    warnings.simplefilter("ignore")
    os.chdir(folder)
    if not UNLIMITED:
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    caller = Caller(int(seed), place, os.open(log, os.O_WRONLY | os.O_APPEND))
    threading.Thread(target=caller.watch, daemon=True).start()
    guard.keep_within(folder)
    caller.work(time.monotonic() + float(seconds))
    caller.log(f"RAISED {dict(caller.raised.most_common())}")
    caller.log(f"DONE {caller.count} calls, {len(caller.callables)} callables, {caller.bad} bad")


if __name__ == "__main__":
    main(*sys.argv[1:])
