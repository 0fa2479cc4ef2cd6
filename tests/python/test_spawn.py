"""tonio.spawn() and its variants: results, order, what they accept."""

import functools
import unittest

import tonio
from scenarios import Scenarios, main


def doubled(value):
    yield
    return value * 2


class Spawn(Scenarios):
    def test_of_one_gives_its_result(self):
        self.assertEqual((yield tonio.spawn(doubled(2))), 4)

    def test_of_several_gives_a_list_in_argument_order(self):
        @self.task
        def slow(value):
            yield tonio.sleep(0.003 * (5 - value))
            return value

        self.assertEqual((yield tonio.spawn(*[slow(i) for i in range(5)])), [0, 1, 2, 3, 4])

    def test_leaves_a_tuple_of_the_caller_as_it_was(self):
        for spawn in tonio.spawn, tonio.spawn.without_results:
            coros = tuple(doubled(value) for value in range(3))
            before = list(coros)
            yield spawn(*coros)
            self.assertEqual(list(coros), before)

    def test_leaves_the_arguments_of_a_partial_as_they_were(self):
        event = tonio.Event()
        event.set()
        both = functools.partial(tonio.spawn, event.wait(), event.wait())
        self.assertEqual((yield both()), [None, None])
        self.assertTrue(all(both.args))

    def test_of_none_gives_an_empty_list(self):
        self.assertEqual((yield tonio.spawn()), [])

    def test_schedules_at_once(self):
        started = tonio.Event()

        @self.task
        def task():
            started.set()
            yield

        tonio.spawn(task())
        yield started.wait(30)
        self.assertTrue(started.is_set())

    def test_runs_tasks_at_the_same_time(self):
        arrived = [tonio.Event() for _ in range(10)]

        @self.task
        def meets_all(number):
            arrived[number].set()
            for event in arrived:
                yield event.wait()

        yield tonio.spawn(*[meets_all(i) for i in range(10)])

    def test_of_operations(self):
        event = tonio.Event()
        event.set()
        result = yield tonio.spawn(
            tonio.sleep(0.001),
            event.wait(),
            tonio.spawn(doubled(3)),
            tonio.spawn_blocking(len, "four"),
        )
        self.assertEqual(result, [None, None, 6, 4])

    def test_of_awaitables(self):
        class Awaitable:
            def __await__(self):
                yield from tonio.sleep(0)
                return "awaited"

        class WithAnIterator:
            def __await__(self):
                return iter([None, None])

        self.assertEqual((yield tonio.spawn(Awaitable(), WithAnIterator())), ["awaited", None])

    def test_mixes_notations(self):
        async def coroutine():
            await tonio.sleep(0)
            return "async"

        self.assertEqual((yield tonio.spawn(coroutine(), doubled(1))), ["async", 2])

    def test_from_within_tasks(self):
        @self.task
        def tree(depth):
            if depth == 0:
                yield
                return 1
            return sum((yield tonio.spawn(tree(depth - 1), tree(depth - 1))))

        self.assertEqual((yield tree(8)), 256)


class Handle(Scenarios):
    def test_gives_its_result_twice(self):
        handle = tonio.spawn(doubled(1), doubled(2))
        first = yield handle
        self.assertEqual((first, (yield handle)), ([2, 4], [2, 4]))

    def test_gives_its_result_to_several_tasks(self):
        go = tonio.Event()

        @self.task
        def task():
            yield go.wait()
            return "result"

        handle = tonio.spawn(task())

        @self.task
        def waits():
            return (yield handle)

        waiting = tonio.spawn(*[waits() for _ in range(10)])
        yield tonio.sleep(0.001)
        go.set()
        self.assertEqual((yield waiting), ["result"] * 10)

    def test_may_be_dropped(self):
        done = tonio.Event()

        @self.task
        def task():
            yield
            done.set()

        tonio.spawn(task())
        yield done.wait()


class Variants(Scenarios):
    def test_without_results_gives_none(self):
        self.assertIsNone((yield tonio.spawn.without_results(doubled(1))))
        self.assertIsNone((yield tonio.spawn.without_results(doubled(1), doubled(2))))
        self.assertIsNone((yield tonio.spawn.without_results()))

    def test_without_results_waits(self):
        done = []

        @self.task
        def slow():
            yield tonio.sleep(0.01)
            done.append(True)

        yield tonio.spawn.without_results(slow(), slow())
        self.assertEqual(done, [True, True])

    def test_without_tracking_gives_nothing_to_wait_for(self):
        done = tonio.Event()

        @self.task
        def task():
            yield
            done.set()

        self.assertIsNone(tonio.spawn.without_tracking(task()))
        self.assertIsNone(tonio.spawn.without_tracking())
        yield done.wait()


class BadArguments(Scenarios):
    def test_are_refused_and_nothing_is_started(self):
        started = []

        @self.task
        def task():
            started.append(True)
            yield

        for variant in (tonio.spawn, tonio.spawn.without_results, tonio.spawn.without_tracking):
            for nonsense in (None, 5, "text", [], doubled):
                coroutine = task()
                with self.assertRaisesRegex(TypeError, r"tonio\.spawn\(\) takes a generator"):
                    variant(coroutine, nonsense)
                coroutine.close()
            with self.assertRaises(TypeError):
                variant(coro=1)
        with self.assertRaisesRegex(TypeError, "call the function to get one"):
            tonio.spawn(doubled)
        yield tonio.sleep(0.01)
        self.assertEqual(started, [])

    def test_what_refuses_to_be_awaited(self):
        class Refuses:
            def __await__(self):
                raise LookupError("not now")

        class NoIterator:
            def __await__(self):
                return 5

        with self.assertRaisesRegex(LookupError, "not now"):
            tonio.spawn(Refuses())
        with self.assertRaisesRegex(TypeError, "__await__.*no iterator"):
            tonio.spawn(NoIterator())
        yield


class WithoutARuntime(unittest.TestCase):
    def test_between_runs_it_starts_tasks(self):
        # The binary has started the runtime, so a script may spawn before it runs.
        done = tonio.Event()

        def task():
            yield
            done.set()

        def waits():
            yield done.wait()

        tonio.spawn.without_tracking(task())
        tonio.run(waits())


if __name__ == "__main__":
    main()
