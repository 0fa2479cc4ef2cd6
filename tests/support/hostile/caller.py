"""Makes hostile calls, until the time is over. Run by tests/stress/test_hostile_calls.py as

    tonio -m hostile.caller SEED PLACE SECONDS FOLDER LOG

PLACE is where the calls are made: "worker" in a task, "thread" on a threading.Thread while a
task waits, "main" on the main thread outside of a run, "together" in two tasks and on a thread at
the same time, on the same objects. Calls are made until the time is over, and then until each public
method of each class has been called, but not for ever. Each call is written to LOG before it is
made; what should never come out of one is written there as a line that begins with BAD, and at the
end, what methods there are as lines that begin with HAS.
"""

import collections
import faulthandler
import inspect
import os
import random
import resource
import signal
import sys
import threading
import time
import traceback
import warnings

import tonio
from tonio.time import timeout

from . import guard, judge, surface
from .calls import UNLIMITED, Calls

LIMIT = 0.005
LONG_LIMIT = 0.2
# Of every run: a signal_receiver takes no others.
SIGNALS = [signal.SIGUSR1]
SHORT_OF_HANGING = 12
# How long objects may take to come, on a busy machine, whose methods have not been called.
PATIENCE = 60


class Caller:
    def __init__(self, seed, place, log):
        self.random = random.Random(seed)
        self.calls = Calls(self.random)
        self.place = place
        self.log_file = log
        self.count = 0
        self.bad = 0
        self.raised = collections.Counter()

    def log(self, text):
        os.write(self.log_file, (text.replace("\n", "\\n") + "\n").encode(errors="replace"))

    # Making it.

    def next(self):
        call = self.calls.next()
        self.count += 1
        self.log(f"{self.count} {self.place} {call.text}")
        self.calls.values.target = call.target
        return call

    def judge(self, error, name, **more):
        """Counts, and reports what is nobody's documented exception."""
        self.raised[type(error).__name__] += 1
        for fault in judge.faults(error, name, **more):
            self.bad += 1
            text = "".join(traceback.format_exception(fault))
            self.log(f"BAD {self.count} {name}: {text}")

    def attempt(self, call):
        """The call without what has to be waited for: (succeeded, result)"""
        try:
            return True, call.make()
        except BaseException as error:
            self.judge(error, call.name, arguments=call.arguments, of_attribute=call.of_attribute)
            return False, None

    def run(self, coroutine, **options):
        """In a run of its own, which calls within may end."""
        try:
            tonio.run(coroutine, threads=2, signals=SIGNALS, **options)
        except BaseException as error:
            self.judge(error, "run")

    async def in_task(self):
        call = self.next()
        succeeded, result = self.attempt(call)
        if succeeded:
            self.calls.keep(result)
            await self.drive(result, call.name)
        # It may have been entered by hand and left: this task then ends after its children, which
        # may wait for ever.
        if isinstance(call.target, tonio.scope):
            call.target.cancel()

    async def drive(self, result, name):
        """Waits for what the call gave, in one of the ways that there are."""
        way = self.random.choice(
            ["await", "yield", "twice", "two tasks", "drop", "by hand", "spawn", "iterate", "enter"]
        )
        limit = LIMIT
        if self.calls.fetching:
            way, limit = "await", LONG_LIMIT
        self.log(f"  {way}")
        try:
            if way == "drop":
                return
            if way == "by hand":
                self.by_hand(result)
            elif way == "iterate":
                if hasattr(type(result), "__aiter__"):
                    await timeout(_iterated(result), limit)
                elif hasattr(type(result), "__next__") or inspect.isgenerator(result):
                    pass
                elif hasattr(type(result), "__iter__"):
                    await timeout(_first_of(result), limit)
            elif way == "enter":
                # A lock of Python's that is held would block for ever.
                if not surface.is_ours(type(result).__module__):
                    return
                if hasattr(type(result), "__aenter__"):
                    await timeout(_entered(result), limit)
                elif hasattr(type(result), "__enter__"):
                    with result:
                        await tonio.sleep(0)
            elif not hasattr(type(result), "__await__") and not inspect.isgenerator(result):
                return
            elif way == "await":
                self.calls.keep((await timeout(result, limit))[0])
            elif way == "yield":
                await timeout(_yielded(result), limit)
            elif way == "twice":
                await timeout(result, limit)
                await timeout(result, limit)
            elif way == "two tasks":
                await tonio.spawn(timeout(_yielded(result), limit), timeout(_yielded(result), limit))
            elif way == "spawn":
                await timeout(tonio.spawn(_yielded(result)), limit)
        except BaseException as error:
            self.judge(error, name)

    def by_hand(self, result):
        for name in self.random.sample(["send", "throw", "close", "__next__", "__iter__"], 3):
            method = getattr(result, name, None)
            if method is None or not surface.is_ours(type(result).__module__):
                continue
            drawn, value = self.calls.values.draw()
            arguments = (value,) if name in ("send", "throw") else ()
            self.log(f"  .{name}({drawn if arguments else ''})")
            try:
                method(*arguments)
            except BaseException as error:
                self.judge(error, name, arguments=arguments)

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
        now = time.monotonic()
        if self.calls.some_are_due() or now < end:
            return True
        self.calls.fetching = not self.calls.called.issuperset(self.calls.required())
        return self.calls.fetching and now < end + PATIENCE

    def on_worker(self, end, tasks=1):
        async def calls():
            while self.goes_on(end):
                # In a task of its own each: it may cancel or close itself.
                try:
                    await tonio.spawn(self.in_task())
                except BaseException as error:
                    self.judge(error, "in_task")
                    if not isinstance(error, BaseExceptionGroup):
                        raise

        self.run(self.spawned(calls, tasks))

    async def spawned(self, calls, tasks):
        await tonio.spawn(*[calls() for _ in range(tasks)])

    def together(self, end):
        thread = threading.Thread(target=self.calls_of_thread, args=(end,))
        thread.start()
        while thread.is_alive():
            self.on_worker(end, 2)
        thread.join()

    def calls_of_thread(self, end):
        while self.goes_on(end):
            call = self.next()
            succeeded, result = self.attempt(call)
            if succeeded:
                self.calls.keep(result)
                try:
                    tonio.block_on(self.drive(result, call.name))
                except BaseException as error:
                    self.judge(error, "block_on")

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
            self.run(waits())
        thread.join()

    def on_main(self, end):
        while self.goes_on(end):
            call = self.next()
            succeeded, result = self.attempt(call)
            if succeeded:
                self.calls.keep(result)
                self.run(self.drive(result, call.name))

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
                self.judge(error, self.place)


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
    for name in sorted(caller.calls.required()):
        caller.log(f"HAS {name}")
    caller.log(f"RAISED {dict(caller.raised.most_common())}")
    called = len(caller.calls.called)
    caller.log(f"DONE {caller.count} calls, {called} callables and methods, {caller.bad} bad")


if __name__ == "__main__":
    main(*sys.argv[1:])
