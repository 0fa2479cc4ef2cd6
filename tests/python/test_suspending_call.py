"""What public functions give that are written as coroutines: open_process(), select() and
their like."""

import asyncio
import gc
import inspect
import traceback
import unittest
import warnings

import tonio
from _tonio import suspending_call
from scenarios import Scenarios, main
from tonio._call import call as run
from tonio.net import socket
from tonio.time import timeout


def made(body, *args):
    """A suspending call of an `async def` that runs the generator function `body`."""

    async def call():
        return await run(body(*args))

    return suspending_call(call())


def give(value):
    yield
    return value


def failing():
    yield
    raise ValueError("own")


class Waiting(Scenarios):
    def test_results(self):
        for value in (None, 5, (1, 2), StopIteration(3)):
            with self.subTest(value=value):
                self.assertIs((yield made(give, value)), value)

                def from_it():
                    return (yield from made(give, value))

                self.assertIs((yield from_it()), value)

    def test_results_of_public_functions(self):
        def plain():
            first = yield from tonio.select(give(1))
            output, done = yield from timeout(give(2), 3600)
            found = yield from socket.getaddrinfo("127.0.0.1", 9, type=socket.SOCK_STREAM)
            for task in tonio.as_completed(give(4)):
                last = yield from task
            return first, output, done, found[0][4], last

        self.assertEqual((yield plain()), (1, 2, True, ("127.0.0.1", 9), 4))

    def test_exceptions(self):
        def from_it():
            yield from made(failing)

        for coro in (made(failing), from_it()):
            with self.assertRaisesRegex(ValueError, "own"):
                yield coro

    def test_may_be_spawned(self):
        results = yield tonio.spawn(made(give, 1), made(give, 2))
        self.assertEqual(results, [1, 2])
        self.assertEqual((yield tonio.spawn(made(give, 3))), 3)
        self.assertEqual((yield tonio.select(made(give, 4))), 4)

        def gathered():
            return (yield [made(give, 5), made(give, 6)])

        self.assertEqual((yield tonio.spawn(gathered())), [5, 6])

    def test_several_tasks_share_it(self):
        begun, go = [], tonio.Event()

        def once():
            begun.append(1)
            yield go.wait()
            return object()

        shared = made(once)

        def by_yield():
            return (yield shared)

        def by_yield_from():
            return (yield from shared)

        async def by_await():
            return await shared

        tasks = [by_yield(), by_yield_from(), by_await(), shared, by_yield_from()]
        waiting = tonio.spawn(*tasks)
        go.set()
        results = yield waiting
        again = yield shared  # when it has ended
        self.assertEqual(len(begun), 1)
        self.assertEqual({*map(id, results)}, {id(again)})

    def test_cancellation(self):
        ended = []

        def work():
            try:
                yield tonio.Event().wait()
            finally:
                ended.append(1)

        def from_it():
            yield from made(work)

        for coro in (made(work), from_it()):
            self.assertEqual((yield timeout(coro, 0.001)), (None, False))
        self.assertEqual(len(ended), 2)

    def test_begins_though_a_cancellation_is_due_and_the_budget_used_up(self):
        async def clean_up(log):
            log.append(1)

        for used in range(200):

            def body(scope):
                event = tonio.Event()
                event.set()
                for _ in range(used):
                    yield event.wait()
                scope.cancel()
                yield suspending_call(clean_up(log))

            log = []
            yield self.scoped(body)
            self.assertEqual(log, [1], used)

    def test_a_scope_that_is_over_closes_it(self):
        def body(scope):
            scope.cancel()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                scope.spawn(made(give, 1))
            yield

        yield self.scoped(body)

    def test_waits_for_itself(self):
        async def itself():
            await shared

        shared = suspending_call(itself())
        with self.assertRaisesRegex(RuntimeError, "waits for itself"):
            yield shared


class Looks(Scenarios):
    def test_tasks_have_the_name_and_the_stack(self):
        event = tonio.Event()

        async def inner():
            await event.wait()

        async def outer():
            await suspending_call(inner())

        def plain():
            yield from suspending_call(outer())

        names = [function.__qualname__ for function in (plain, outer, inner)]
        waiting = tonio.spawn(plain(), suspending_call(outer()))
        found = []
        while sum(task.waits_on == "tonio.EventWait" for task in found) < 2:
            yield
            found = tonio.tasks()
        stacks = {task.name: [frame[2] for frame in task.stack] for task in found}
        self.assertEqual(stacks[names[0]], names)
        self.assertEqual(stacks[names[1]], names[1:])
        event.set()
        yield waiting

    def test_tracebacks_have_the_program_only(self):
        async def inner():
            raise ValueError

        async def outer():
            await suspending_call(inner())

        def plain():
            yield from suspending_call(outer())

        try:
            yield tonio.spawn(plain())
        except ExceptionGroup as group:
            frames = traceback.extract_tb(group.exceptions[0].__traceback__)
        self.assertEqual([frame.name for frame in frames], ["plain", "outer", "inner"])

    def test_has_what_the_coroutine_has(self):
        async def work():
            pass

        call = suspending_call(work())
        self.assertEqual(call.__name__, "work")
        self.assertEqual(call.cr_code, work.__code__)
        self.assertIn("work", repr(call))
        self.assertTrue(inspect.isawaitable(call))
        with self.assertRaises(AttributeError):
            call.nothing
        call.close()
        yield

    def test_functions_look_like_what_they_wrap(self):
        self.assertEqual(tonio.open_process.__name__, "open_process")
        self.assertEqual(tonio.Process.wait.__qualname__, "Process.wait")
        self.assertIn("gives a Process", tonio.open_process.__doc__)
        self.assertIn("command", inspect.signature(tonio.open_process).parameters)
        yield


class NotWaitedFor(unittest.TestCase):
    def test_is_told(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tonio.run_process(["true"])
            gc.collect()
        self.assertEqual(len(caught), 1)
        self.assertIn("'run_process' was never awaited", str(caught[0].message))

    def test_wrong_arguments_are_told_at_the_call(self):
        with self.assertRaisesRegex(TypeError, "open_process.*command"):
            tonio.open_process()

    def test_takes_coroutines_only(self):
        for wrong in (5, give(1), tonio.sleep(0)):
            with self.subTest(wrong=wrong), self.assertRaisesRegex(TypeError, "a coroutine, not"):
                suspending_call(wrong)


class Elsewhere(unittest.TestCase):
    def test_asyncio_gets_the_remedy(self):
        async def foreign():
            call = made(give, 1)
            try:
                await call
            finally:
                call.close()

        with self.assertRaisesRegex(RuntimeError, r"tonio\.run\(\)"):
            asyncio.run(foreign())

    def test_the_bridge_to_asyncio(self):
        self.assertEqual(asyncio.run(tonio.to_asyncio(made(give, 1))), 1)

    def test_run_and_block_on(self):
        self.assertEqual(tonio.run(made(give, 1)), 1)
        self.assertEqual(tonio.block_on(made(give, 2)), 2)


if __name__ == "__main__":
    main()
