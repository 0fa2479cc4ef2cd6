"""Spawns of more than a handful: in which order their tasks begin, that they take turns with
what is ready and with each other, and what is left of them afterwards."""

import itertools
import threading
import time
import unittest
import weakref

import tonio
from sanitizers import SANITIZED
from scenarios import Scenarios, main

LARGE = 1_000


class OneWorker(Scenarios):
    options = {"threads": 1}

    def test_begins_in_argument_order(self):
        begun = []

        @self.task
        def task(number):
            begun.append(number)
            yield

        yield tonio.spawn(*[task(number) for number in range(LARGE)])
        self.assertEqual(begun, list(range(LARGE)))

    @unittest.skipIf(SANITIZED, "turns end by the clock")
    def test_a_tree_is_run_branch_by_branch(self):
        open_branches = set()
        most = []

        @self.task
        def leaf():
            yield

        @self.task
        def branch(number):
            open_branches.add(number)
            yield tonio.spawn(*[leaf() for _ in range(LARGE)])
            most.append(len(open_branches))
            open_branches.discard(number)

        yield tonio.spawn(*[branch(number) for number in range(100)])
        self.assertEqual(len(most), 100)
        # Now and then another one has a turn in between.
        self.assertLess(max(most), 10)

    def test_two_take_turns(self):
        counts = {"a": 0, "b": 0}
        behind = []

        @self.task
        def task(name):
            counts[name] += 1
            behind.append(abs(counts["a"] - counts["b"]))
            yield

        @self.task
        def spawner(name):
            for _ in range(10):
                yield tonio.spawn(*[task(name) for _ in range(LARGE)])

        yield tonio.spawn(spawner("a"), spawner("b"))
        self.assertEqual(counts, {"a": 10 * LARGE, "b": 10 * LARGE})
        self.assertLess(max(behind), LARGE)

    def test_goes_on_beside_tasks_that_are_always_ready(self):
        over = []

        @self.task
        def gives_way():
            while not over:
                yield

        @self.task
        def task():
            yield

        always_ready = tonio.spawn(gives_way(), gives_way())
        yield tonio.spawn(*[task() for _ in range(LARGE)])
        over.append(True)
        yield always_ready


    @unittest.skipIf(SANITIZED, "turns end by the clock")
    def test_goes_on_beside_tasks_with_long_steps(self):
        left = [LARGE]
        steps = []

        @self.task
        def has_long_steps():
            while left[0] > 0:
                steps.append(None)
                end = time.perf_counter() + 0.002
                while time.perf_counter() < end:
                    pass
                yield

        @self.task
        def task():
            left[0] -= 1
            yield

        always_ready = tonio.spawn(has_long_steps())
        yield tonio.spawn(*[task() for _ in range(LARGE)])
        yield always_ready
        # A turn after 20 ms, not after 256 steps: it takes at least 16 of them.
        self.assertLess(len(steps), 2 * LARGE)

    def test_a_small_one_beside_it_begins_in_order(self):
        begun = []

        @self.task
        def task(number):
            begun.append(number)
            yield
            begun.append("again")

        @self.task
        def other():
            yield

        large = tonio.spawn(*[other() for _ in range(LARGE)])
        yield tonio.spawn(*[task(number) for number in range(60)])
        yield large
        self.assertEqual([number for number in begun if number != "again"], list(range(60)))
        # In a few turns.
        turns = sum(pair[0] == "again" != pair[1] for pair in itertools.pairwise(begun))
        self.assertLess(turns, 20)


class SeveralWorkers(Scenarios):
    options = {"threads": 4}

    def test_gives_results_in_argument_order(self):
        @self.task
        def task(number):
            yield
            return number

        for _ in range(20):
            results = yield tonio.spawn(*[task(number) for number in range(LARGE)])
            self.assertEqual(results, list(range(LARGE)))

    def test_failures_come_out_together(self):
        @self.task
        def task(number):
            yield
            if number % 100 == 0:
                raise ValueError(number)

        with self.assertRaises(ExceptionGroup) as caught:
            yield tonio.spawn(*[task(number) for number in range(LARGE)])
        numbers = sorted(error.args[0] for error in caught.exception.exceptions)
        self.assertEqual(numbers, list(range(0, LARGE, 100)))

    def test_a_tree_adds_up(self):
        @self.task
        def leaf():
            yield
            return 1

        @self.task
        def branch():
            return sum((yield tonio.spawn(*[leaf() for _ in range(100)])))

        branches = yield tonio.spawn(*[branch() for _ in range(100)])
        self.assertEqual(branches, [100] * 100)

    def test_what_has_not_begun_is_taken_from_behind_a_long_step(self):
        # Each of the first two goes on when the other one has begun, on another worker.
        begun = [threading.Event(), threading.Event()]

        @self.task
        def meets(number):
            begun[number].set()
            self.assertTrue(begun[1 - number].wait(60))
            yield

        @self.task
        def task():
            yield

        # Making the list of so many results takes longer than waking a colleague.
        others = (20 if SANITIZED else 200) * LARGE
        yield tonio.spawn(meets(0), meets(1), *[task() for _ in range(others)])

    def test_what_has_given_way_is_taken_from_behind_a_long_step(self):
        gone_on = threading.Event()

        @self.task
        def goes_on():
            yield
            gone_on.set()

        @self.task
        def waits():
            self.assertTrue(gone_on.wait(60))
            yield

        @self.task
        def task():
            yield

        yield tonio.spawn(goes_on(), waits(), *[task() for _ in range(LARGE)])

    def test_coroutines_that_ended_on_another_worker_are_freed(self):
        # Only a colleague's drop comes late: some steps of its own, or its rest, then the next
        # step of the worker that has made the coroutine.
        async def task():
            await tonio.sleep(0)

        for _ in range(5):
            coros = [task() for _ in range(LARGE)]
            references = [weakref.ref(coro) for coro in coros]
            handle = tonio.spawn(*coros)
            del coros
            yield handle
            del handle
            while any(reference() is not None for reference in references):
                yield tonio.sleep(0.001)

    def test_a_coroutine_of_a_blocking_call_is_freed_while_that_goes_on(self):
        async def task():
            await tonio.sleep(0)

        def call():
            coro = task()
            reference = weakref.ref(coro)
            tonio.block_on(coro)
            del coro
            end = time.monotonic() + 30
            while reference() is not None and time.monotonic() < end:
                pass
            return reference()

        self.assertIsNone((yield tonio.spawn_blocking(call)))


if __name__ == "__main__":
    main()
