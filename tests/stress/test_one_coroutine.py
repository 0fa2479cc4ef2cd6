"""Tasks await one coroutine object at the same instant, throw into it and close it, and take from one
generator. One at a time runs it, each step once; the others get an exception that says why."""

import random
import types
import unittest

import tonio
from interpreter import one_thread_at_a_time
from scale import scaled
from scenarios import main

WORKERS = (2, 4)
STEPS = 50
TRIES = 60  # by each task, of each object


class Turned(Exception):
    pass


@types.coroutine
def pause():
    yield


async def inner(number):
    await pause()
    return number


async def steps(ran):
    for number in range(STEPS):
        ran.append(await inner(number))
    return "done"


def items(ran):
    for number in range(STEPS):
        ran.append(number)
        yield number


def delegated(ran):
    yield from items(ran)


async def await_it(shared):
    return await shared


@unittest.skipUnless(one_thread_at_a_time(), "this CPython's generators are for one thread")
class OneCoroutine(unittest.TestCase):
    def race(self, make, uses, allowed, users=4):
        """`users` tasks try `uses`, drawn at random, on one object after the other. A use is a
        function of the object whose result is a coroutine, or not. Returns all results."""
        results = []

        def user(seed, shared):
            draw = random.Random(seed)
            for _ in range(TRIES):
                try:
                    used = draw.choice(uses)(shared)
                    if isinstance(used, types.CoroutineType):
                        used = yield used
                    results.append(used)
                except allowed:
                    pass

        def program(workers):
            for number in range(scaled(100)):
                ran = []
                shared = make(ran)
                yield [user(f"{workers} {number} {i}", shared) for i in range(users)]
                self.assertEqual(ran, list(range(len(ran))))

        for workers in WORKERS:
            with self.subTest(workers=workers):
                tonio.run(program(workers), threads=workers)
        return results

    def test_awaited(self):
        results = self.race(steps, [await_it], (RuntimeError, ValueError))
        self.assertEqual(set(results), {"done"})
        # Of each object at most one task has it.
        self.assertLessEqual(len(results), scaled(100) * len(WORKERS))

    def test_awaited_and_driven_by_hand(self):
        def send(shared):
            shared.send(None)

        def look(shared):
            repr((shared.cr_await, shared.cr_running, shared.cr_suspended))

        def throw(shared):
            shared.throw(KeyError("thrown"))

        def close(shared):
            shared.close()

        uses = [await_it] * 20 + [send] * 20 + [look] * 5 + [throw, close]
        self.race(steps, uses, (RuntimeError, ValueError, KeyError, StopIteration, GeneratorExit))

    def test_generators(self):
        def take(shared):
            return next(shared, None)

        def take_all(shared):
            return list(shared)

        async def take_in_task(shared):
            await through(shared)

        @types.coroutine
        def through(shared):
            for _ in shared:
                yield

        uses = [take] * 10 + [take_all, take_in_task]
        for make in items, delegated, lambda ran: map(int, items(ran)):
            self.race(make, uses, ValueError)

    def test_an_exception_arrives_where_it_was_thrown(self):
        """throw() and close() go through two generators; nobody comes in between."""
        astray = []

        def innermost(ran):
            try:
                while True:
                    yield
            except KeyError:
                raise Turned from None

        def outer(ran):
            while True:
                try:
                    yield from innermost(ran)
                    astray.append("went on after an endless one")
                except KeyError:
                    astray.append("passed the inner one by")
                except Turned:
                    pass

        def throw(shared):
            shared.throw(KeyError())

        def close(shared):
            shared.close()

        uses = [next] * 400 + [throw] * 200 + [close]
        self.race(outer, uses, (ValueError, StopIteration, KeyError))
        self.assertEqual(astray, [])

    def test_closed(self):
        for make in items, delegated:
            self.race(make, [next, next, next, lambda it: it.close()], (ValueError, StopIteration))


if __name__ == "__main__":
    main()
