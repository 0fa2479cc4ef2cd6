"""Tests written once and run in both notations.

A test method of a Scenarios class that is a generator function becomes two tests,
`…_yield` and `…_await`, that tonio.run() runs. Its text is the `yield` notation. In the
other test a coroutine goes through it and awaits what it yields, so every operation is
driven as `await` drives it, too:

    class Events(Scenarios):
        def test_a_set_event_does_not_suspend(self):
            event = tonio.Event()
            event.set()
            yield event.wait()

Functions within it that are spawned get `@self.task` to follow its notation.
"""

import functools
import inspect
import sys
import unittest

import tonio
from tonio.colored import yield_now


async def awaiting(generator):
    """Awaits what the generator yields, and what generators among that yield."""
    resume, value = generator.send, None
    while True:
        try:
            yielded = resume(value)
        except StopIteration as stop:
            return stop.value
        if yielded is None:
            yielded = yield_now()
        elif inspect.isgenerator(yielded):
            yielded = awaiting(yielded)
        # Nothing is kept alive longer than `yield` does.
        value = None
        try:
            resume, value = generator.send, await yielded
        except BaseException as exception:
            resume, value = generator.throw, exception
        yielded = None


def until_suspended(name):
    """For `yield from`: until a task is suspended whose name (tonio.tasks()) ends so."""
    while not any(
        task.name.endswith(name) and task.state == "suspended" for task in tonio.tasks()
    ):
        yield


class Scenarios(unittest.TestCase):
    maxDiff = None
    notation = "yield"
    # The options of tonio.run().
    options = {}

    def __init_subclass__(cls):
        super().__init_subclass__()
        for name, method in list(vars(cls).items()):
            if name.startswith("test") and inspect.isgeneratorfunction(method):
                delattr(cls, name)
                for notation in ("yield", "await"):
                    setattr(cls, f"{name}_{notation}", _test(method, notation))

    def scoped(self, body, **options):
        """Runs the generator function body(scope) in a scope as the running test's notation
        has it, waits for the scope, and gives it."""
        return self.entered(tonio.scope(**options), body)

    def entered(self, scope, body):
        """As scoped(), with a scope that nobody has entered yet."""

        def plain():
            with scope:
                yield body(scope)
            yield scope()
            return scope

        async def colored():
            async with scope:
                await awaiting(body(scope))
            return scope

        return plain() if self.notation == "yield" else colored()

    def task(self, function):
        """A generator function as the running test's notation has it."""
        if self.notation == "yield":
            return function

        @functools.wraps(function)
        async def awaited(*args, **kwargs):
            return await awaiting(function(*args, **kwargs))

        return awaited


def _test(method, notation):
    @functools.wraps(method)
    def test(self):
        self.notation = notation
        tonio.run(self.task(method)(self), **self.options)

    # Not functools' own: unittest would take the test for a generator function.
    del test.__wrapped__
    return test


def main():
    # Exits by itself, with 1 when a test has failed.
    unittest.main(verbosity=2, argv=sys.argv)
