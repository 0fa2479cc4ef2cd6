"""A coroutine that several tasks want runs once and gives its outcome to each."""

import gc
import threading
import unittest
import weakref

import tonio
from scale import scaled
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError
from tonio.time import timeout


def steps(ran):
    ran.append(1)
    for _ in range(5):
        yield
    return "done"


async def coroutine(ran):
    ran.append(1)
    for _ in range(5):
        await tonio.sleep(0)
    return "done"


def use(shared):
    return (yield shared)


def collected(reference):
    """Whether the object is gone, once the other worker, which has just ended its task, has let go of
    it."""
    for _ in range(1000):
        gc.collect()
        if reference() is None:
            return True
        yield tonio.sleep(0.001)
    return False


class CoroutineInTwoTasks(unittest.TestCase):
    def check(self, make):
        def program():
            for _ in range(scaled(300)):
                ran = []
                outcomes = yield [use(shared) for shared in [make(ran)] * 4]
                self.assertEqual(outcomes, ["done"] * 4)
                self.assertEqual(ran, [1])

        for workers in (1, 2, 4):
            tonio.run(program(), threads=workers)

    def test_generator(self):
        self.check(steps)

    def test_coroutine(self):
        self.check(coroutine)

    def test_after_its_end(self):
        def program():
            shared = steps([])
            self.assertEqual((yield shared), "done")
            self.assertEqual((yield shared), "done")
            self.assertEqual((yield [shared, shared]), ["done"] * 2)

        tonio.run(program())

    def test_in_the_background(self):
        def program():
            ran = []
            shared = steps(ran)
            yield {shared}
            self.assertEqual((yield shared), "done")
            self.assertEqual(ran, [1])

        tonio.run(program())

    def test_spawned_twice(self):
        def program():
            ran = []
            shared = steps(ran)
            self.assertEqual((yield tonio.spawn(shared, shared)), ["done"] * 2)
            self.assertEqual(ran, [1])

        tonio.run(program())

    def test_a_failure_is_everybody_s(self):
        def fail():
            yield
            raise ValueError("shared")

        def use_failing(shared):
            with self.assertRaisesRegex(ValueError, "shared"):
                yield shared

        def program():
            shared = fail()
            yield [use_failing(shared) for _ in range(3)]

        tonio.run(program())

    def test_a_waiter_may_be_cancelled(self):
        gate = tonio.Event()

        def slow():
            yield gate.wait()
            return "slow"

        def program():
            shared = slow()
            first = tonio.spawn(use(shared))
            yield
            self.assertEqual((yield timeout(use(shared), 0.001)), (None, False))
            gate.set()
            self.assertEqual((yield first), "slow")
            self.assertEqual((yield shared), "slow")

        tonio.run(program(), threads=1)

    def test_itself(self):
        def program():
            coros = []

            def itself():
                yield coros[0]

            coros.append(itself())
            with self.assertRaisesRegex(RuntimeError, "waits for itself"):
                yield coros[0]

        tonio.run(program())

    def test_an_outcome_goes_with_its_coroutine(self):
        class Result:
            pass

        def make():
            yield
            return Result()

        def program():
            shared = make()
            gone = weakref.ref((yield shared))
            self.assertIsNotNone(gone())
            del shared
            self.assertTrue((yield collected(gone)))

        tonio.run(program())

    def test_an_outcome_that_refers_to_its_coroutine(self):
        class Result:
            pass

        def make(result):
            yield
            return result

        def program():
            result = Result()
            result.coroutine = make(result)
            yield [use(result.coroutine), use(result.coroutine)]
            gone = weakref.ref(result)
            del result
            self.assertTrue((yield collected(gone)))

        tonio.run(program())

    def test_a_failure_that_refers_to_its_coroutine(self):
        def fail():
            yield
            raise ValueError("shared")

        def program():
            shared = fail()
            # Its traceback has the frames of `use`, and these the coroutine.
            with self.assertRaises(ExceptionGroup):
                yield [use(shared), use(shared)]
            gone = weakref.ref(shared)
            del shared
            self.assertTrue((yield collected(gone)))

        tonio.run(program())

    def test_its_name_stays(self):
        def program():
            shared = steps([])
            yield [use(shared), use(shared)]
            self.assertEqual(shared.__name__, "steps")
            self.assertEqual(f"{shared.__name__:>6}", " steps")

        tonio.run(program())

    def test_one_that_was_spawned_and_has_ended(self):
        def program():
            shared = steps([])
            yield tonio.spawn(shared)
            with self.assertRaisesRegex(RuntimeError, "has been run already"):
                yield shared

        tonio.run(program())


class SharedByNotation(Scenarios):
    options = {"threads": 1}

    def test_cancelled_before_it_began(self):
        coroutine = self.task(steps)([])
        scope = tonio.scope()
        with scope:
            scope.spawn(coroutine)
            waiting = tonio.spawn(coroutine)
            scope.cancel()
        with self.assertRaises(CancelledError):
            yield waiting
        yield scope()

    def spawn_that_fails(self, coroutine):
        """Two tasks wait for the coroutine, and the spawn that has it fails: gives their
        handle."""
        claimed, others_wait = tonio.Event(), threading.Event()

        class Refused:
            def __await__(self):
                claimed.set()
                others_wait.wait()
                raise ValueError("refused")

        def spawn():
            with self.assertRaisesRegex(ValueError, "refused"):
                tonio.spawn(coroutine, Refused())

        @self.task
        def program():
            spawning = tonio.spawn_blocking(spawn)
            yield claimed.wait()
            waiting = tonio.spawn(coroutine, coroutine)
            while sum(task.waits_on == "tonio.SharedWait" for task in tonio.tasks()) < 2:
                yield tonio.sleep(0)
            others_wait.set()
            yield spawning
            return waiting

        return program()

    def test_a_spawn_that_fails_leaves_it_to_who_waits(self):
        ran = []
        waiting = yield self.spawn_that_fails(self.task(steps)(ran))
        self.assertEqual((yield waiting), ["done"] * 2)
        self.assertEqual(ran, [1])

    def test_a_spawn_that_fails_and_so_does_the_coroutine(self):
        def fail():
            yield tonio.sleep(0)
            raise ValueError("shared")

        waiting = yield self.spawn_that_fails(self.task(fail)())
        with self.assertRaises(ExceptionGroup) as raised:
            yield waiting
        self.assertEqual([str(e) for e in raised.exception.exceptions], ["shared"] * 2)

    def test_a_spawn_that_fails_and_nobody_waits(self):
        ran = []
        coroutine = self.task(steps)(ran)
        with self.assertRaises(TypeError):
            tonio.spawn(coroutine, coroutine, 5)
        yield tonio.sleep(0)
        self.assertEqual(ran, [])
        self.assertEqual((yield tonio.spawn(coroutine, coroutine)), ["done"] * 2)
        self.assertEqual(ran, [1])


if __name__ == "__main__":
    main()
