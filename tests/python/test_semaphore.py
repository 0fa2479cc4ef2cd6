"""tonio.sync.Semaphore: at most n at a time."""

import gc
import threading
import unittest
import weakref

import tonio
import tonio.colored
from scenarios import Scenarios, main
from tonio import sync
from tonio.exceptions import WouldBlock


class Tokens(unittest.TestCase):
    def test_are_counted(self):
        semaphore = sync.Semaphore(2)
        self.assertEqual(semaphore.tokens(), 2)
        self.assertIs(semaphore.try_acquire(), True)
        self.assertEqual(semaphore.tokens(), 1)
        self.assertIs(semaphore.try_acquire(), True)
        self.assertIs(semaphore.try_acquire(), False)
        self.assertEqual(semaphore.tokens(), 0)
        semaphore.release()
        semaphore.release()
        self.assertEqual(semaphore.tokens(), 2)

    def test_are_not_more_than_at_first(self):
        semaphore = sync.Semaphore(n=2)
        with self.assertRaisesRegex(RuntimeError, "semaphore is not acquired"):
            semaphore.release()
        self.assertEqual(semaphore.tokens(), 2)

    def test_or_raise(self):
        semaphore = sync.Semaphore(2)
        with semaphore.or_raise(), semaphore.or_raise():
            self.assertEqual(semaphore.tokens(), 0)
            with self.assertRaisesRegex(WouldBlock, "semaphore"):
                semaphore.or_raise()
        self.assertEqual(semaphore.tokens(), 2)

    def test_bad_numbers_are_refused(self):
        for error, number in [
            (ValueError, 0),
            (ValueError, -1),
            (ValueError, 2**64),
            (ValueError, -(2**64)),
            (TypeError, 1.0),
            (TypeError, "1"),
            (TypeError, None),
        ]:
            with self.assertRaisesRegex(error, r"Semaphore\(\): n must be"):
                sync.Semaphore(number)
        for arguments, keywords in [((), {}), ((1, 2), {}), ((), {"tokens": 1})]:
            with self.assertRaises(TypeError):
                sync.Semaphore(*arguments, **keywords)

    def test_is_no_plain_context_manager(self):
        semaphore = sync.Semaphore(1)
        with self.assertRaisesRegex(TypeError, "semaphore.or_raise"), semaphore:
            pass
        self.assertEqual(semaphore.tokens(), 1)

    def test_subclass_and_weak_reference(self):
        class Limit(sync.Semaphore):
            pass

        limit = Limit(3)
        limit.itself = limit
        reference = weakref.ref(limit)
        del limit
        gc.collect()
        self.assertIsNone(reference())


class Acquire(Scenarios):
    def test_at_most_n_at_a_time(self):
        for limit in (1, 2, 5):
            semaphore = sync.Semaphore(limit)
            inside, counted = [], []

            @self.task
            def count(semaphore=semaphore, inside=inside, counted=counted):
                for _ in range(10):
                    with (yield semaphore()):
                        inside.append(1)
                        counted.append(len(inside))
                        yield
                        inside.pop()

            yield tonio.spawn(*[count() for _ in range(10)])
            self.assertEqual(max(counted), limit)
            self.assertEqual(semaphore.tokens(), limit)

    def test_without_a_block_leaves_nothing_acquired(self):
        semaphore = sync.Semaphore(2)
        for _ in range(5):
            yield semaphore()
        yield
        self.assertEqual(semaphore.tokens(), 2)

    def test_by_hand_from_a_task_and_from_a_thread(self):
        semaphore = sync.Semaphore(2)
        for _ in range(100):
            self.assertIsNone((yield semaphore.acquire()))
            self.assertIsNone((yield semaphore.acquire()))
            thread = threading.Thread(target=semaphore.release)
            thread.start()
            yield semaphore.acquire()
            thread.join()
            semaphore.release()
            semaphore.release()
        self.assertEqual(semaphore.tokens(), 2)


class AsyncWith(unittest.TestCase):
    def test_at_most_n_at_a_time(self):
        semaphore = sync.Semaphore(2)
        inside, counted = [], []

        async def count():
            for _ in range(10):
                async with semaphore:
                    inside.append(1)
                    counted.append(len(inside))
                    await tonio.colored.yield_now()
                    inside.pop()

        async def program():
            await tonio.spawn(*[count() for _ in range(10)])

        tonio.run(program())
        self.assertEqual(max(counted), 2)
        self.assertEqual(semaphore.tokens(), 2)


class Cancelled(unittest.TestCase):
    def test_holders_and_waiters_leave_nothing_behind(self):
        for threads in (1, 2):
            semaphore = sync.Semaphore(3)

            def holds(semaphore=semaphore):
                with (yield semaphore()):
                    yield tonio.Event().wait()

            def program(holds=holds):
                tonio.spawn.without_tracking(*[holds() for _ in range(50)])
                yield tonio.sleep(0.002)

            tonio.run(program(), threads=threads)
            self.assertEqual(semaphore.tokens(), 3)


if __name__ == "__main__":
    main()
