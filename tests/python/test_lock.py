"""tonio.sync.Lock: one at a time, first come first served."""

import gc
import threading
import unittest
import weakref

import tonio
import tonio.colored
from scenarios import Scenarios, main
from tonio import sync
from tonio.exceptions import WouldBlock


class WithoutWaiting(unittest.TestCase):
    def test_try_acquire_and_release(self):
        lock = sync.Lock()
        self.assertIs(lock.locked(), False)
        self.assertIs(lock.try_acquire(), True)
        self.assertIs(lock.locked(), True)
        self.assertIs(lock.try_acquire(), False)
        self.assertIsNone(lock.release())
        self.assertIs(lock.locked(), False)

    def test_releasing_a_free_lock_raises(self):
        with self.assertRaisesRegex(RuntimeError, "not acquired"):
            sync.Lock().release()

    def test_or_raise(self):
        lock = sync.Lock()
        with lock.or_raise():
            self.assertTrue(lock.locked())
            with self.assertRaisesRegex(WouldBlock, "lock"):
                lock.or_raise()
            self.assertTrue(lock.locked())
        self.assertFalse(lock.locked())

    def test_or_raise_releases_when_the_block_raises(self):
        lock = sync.Lock()
        with self.assertRaises(ValueError), lock.or_raise():
            raise ValueError
        self.assertFalse(lock.locked())

    def test_is_no_plain_context_manager(self):
        lock = sync.Lock()
        with self.assertRaises(TypeError) as caught, lock:
            pass
        for remedy in ("with (yield lock()):", "async with lock:", "lock.or_raise()"):
            self.assertIn(remedy, str(caught.exception))
        self.assertFalse(lock.locked())

    def test_takes_no_arguments(self):
        for arguments, keywords in [((1,), {}), ((), {"n": 1})]:
            with self.assertRaises(TypeError):
                sync.Lock(*arguments, **keywords)
            with self.assertRaises(TypeError):
                sync.Lock()(*arguments, **keywords)

    def test_of_many_threads_one_has_it(self):
        lock = sync.Lock()
        count, most, having = 0, 0, 0

        def use():
            nonlocal count, most, having
            for _ in range(2000):
                if lock.try_acquire():
                    having += 1
                    most = max(most, having)
                    count += 1
                    having -= 1
                    lock.release()

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(most, 1)
        self.assertGreater(count, 0)
        self.assertFalse(lock.locked())

    def test_subclass_and_weak_reference(self):
        class Named(sync.Lock):
            name = "mine"

        lock = Named()
        self.assertIsInstance(lock, sync.Lock)
        with lock.or_raise():
            lock.free = False
        reference = weakref.ref(lock)
        self.assertIs(reference(), lock)
        del lock
        self.assertIsNone(reference())

    def test_colored_has_the_same(self):
        from tonio.colored import sync as colored

        self.assertIs(colored.Lock, sync.Lock)
        self.assertEqual(colored.__all__, sync.__all__)


class Guard(unittest.TestCase):
    def test_that_is_dropped_releases(self):
        lock = sync.Lock()
        guard = lock.or_raise()
        self.assertTrue(lock.locked())
        del guard
        self.assertFalse(lock.locked())

    def test_leaving_twice_releases_once(self):
        lock = sync.Lock()
        guard = lock.or_raise()
        with guard:
            pass
        self.assertTrue(lock.try_acquire())
        guard.__exit__(None, None, None)
        self.assertTrue(lock.locked())
        del guard
        self.assertTrue(lock.locked())
        lock.release()

    def test_entering_twice_raises(self):
        lock = sync.Lock()
        guard = lock.or_raise()
        with guard:
            with self.assertRaisesRegex(RuntimeError, "entered before"), guard:
                pass
            self.assertTrue(lock.locked())
        with self.assertRaisesRegex(RuntimeError, "entered before"), guard:
            pass
        self.assertFalse(lock.locked())

    def test_of_a_lock_that_was_released_by_hand(self):
        lock = sync.Lock()
        with self.assertRaisesRegex(RuntimeError, "not acquired"), lock.or_raise():
            lock.release()
        guard = lock.or_raise()
        lock.release()
        del guard
        self.assertFalse(lock.locked())

    def test_keeps_its_lock_alive(self):
        guard = sync.Lock().or_raise()
        gc.collect()
        with guard:
            pass

    def test_in_a_cycle_with_its_lock(self):
        class Holder(sync.Lock):
            pass

        lock = Holder()
        lock.guard = lock.or_raise()
        reference = weakref.ref(lock)
        del lock
        gc.collect()
        self.assertIsNone(reference())


class InOrder(Scenarios):
    options = {"threads": 1}

    def test_first_come_first_served(self):
        lock = sync.Lock()
        came, served = [], []

        @self.task
        def take(number):
            # With one worker nobody comes between this and the wait.
            came.append(number)
            with (yield lock()):
                served.append(number)
                yield

        with lock.or_raise():
            handle = tonio.spawn(*[take(number) for number in range(10)])
            while len(came) < 10:
                yield
        yield handle
        self.assertEqual(served, came)
        self.assertFalse(lock.locked())

class Acquire(Scenarios):
    def test_guards_a_block(self):
        lock = sync.Lock()
        with (yield lock()) as guard:
            self.assertTrue(lock.locked())
            self.assertIsNotNone(guard)
        self.assertFalse(lock.locked())

    def test_one_task_at_a_time(self):
        lock = sync.Lock()
        counter, most = 0, 0

        @self.task
        def count():
            nonlocal counter, most
            for _ in range(20):
                with (yield lock()):
                    counter += 1
                    most = max(most, counter)
                    yield
                    counter -= 1

        yield tonio.spawn(*[count() for _ in range(10)])
        self.assertEqual((counter, most), (0, 1))
        self.assertFalse(lock.locked())

    def test_nobody_overtakes_who_waits(self):
        lock = sync.Lock()

        had_it = []

        @self.task
        def waits():
            with (yield lock()):
                had_it.append(True)

        lock.try_acquire()
        handle = tonio.spawn(waits())
        while not handed_over(lock):
            if had_it:
                # On another worker, all between the release and the look after it.
                lock.release()
                break
            yield
        # It is the other task's, which has run since or not.
        yield handle
        self.assertEqual(had_it, [True])
        self.assertFalse(lock.locked())

    def test_acquire_and_release_by_hand(self):
        lock = sync.Lock()
        self.assertIsNone((yield lock.acquire()))
        self.assertTrue(lock.locked())

        @self.task
        def other():
            yield lock.acquire()
            lock.release()
            return "had it"

        handle = tonio.spawn(other())
        yield
        lock.release()
        self.assertEqual((yield handle), "had it")
        self.assertFalse(lock.locked())

    def test_released_by_a_thread(self):
        lock = sync.Lock()
        for _ in range(100):
            lock.try_acquire()
            thread = threading.Thread(target=lock.release)
            thread.start()
            with (yield lock()):
                pass
            thread.join()

    def test_without_a_block_leaves_nothing_locked(self):
        lock = sync.Lock()
        for _ in range(3):
            yield lock()
        # The last result has gone once the task has given way.
        yield
        self.assertFalse(lock.locked())

    def test_a_block_that_raises(self):
        lock = sync.Lock()
        with self.assertRaises(ValueError):
            with (yield lock()):
                yield
                raise ValueError
        self.assertFalse(lock.locked())

    def test_an_operation_may_be_awaited_again_and_by_several(self):
        lock = sync.Lock()
        acquire = lock()
        counter = 0

        @self.task
        def count():
            nonlocal counter
            for _ in range(10):
                with (yield acquire):
                    counter += 1
                    yield

        yield tonio.spawn(count(), count(), count())
        self.assertEqual(counter, 30)
        self.assertFalse(lock.locked())

    def test_operations_that_are_dropped_take_nothing(self):
        lock = sync.Lock()
        lock()
        lock.acquire()
        lock.__aenter__()
        self.assertFalse(lock.locked())
        yield


def handed_over(lock):
    """Releases and says whether somebody waited; else takes it again."""
    lock.release()
    return not lock.try_acquire()


class AsyncWith(unittest.TestCase):
    def test_one_task_at_a_time(self):
        lock = sync.Lock()
        counter, most = 0, 0

        async def count():
            nonlocal counter, most
            for _ in range(20):
                async with lock as nothing:
                    self.assertIsNone(nothing)
                    counter += 1
                    most = max(most, counter)
                    await tonio.colored.yield_now()
                    counter -= 1

        async def program():
            await tonio.spawn(*[count() for _ in range(10)])

        tonio.run(program())
        self.assertEqual((counter, most), (0, 1))
        self.assertFalse(lock.locked())

    def test_a_block_that_raises(self):
        lock = sync.Lock()

        async def program():
            async with lock:
                raise ValueError("mine")

        with self.assertRaisesRegex(ValueError, "mine"):
            tonio.run(program())
        self.assertFalse(lock.locked())

    def test_a_lock_that_was_released_by_hand(self):
        lock = sync.Lock()

        async def program():
            async with lock:
                lock.release()

        with self.assertRaisesRegex(RuntimeError, "not acquired"):
            tonio.run(program())


class Cancelled(unittest.TestCase):
    def test_waiters_leave_nothing_behind(self):
        lock = sync.Lock()
        started = tonio.Event()
        cleaned_up = []

        def waits():
            started.set()
            try:
                with (yield lock()):
                    self.fail("it was never released")
            finally:
                cleaned_up.append(1)

        async def waits_async():
            try:
                async with lock:
                    self.fail("it was never released")
            finally:
                cleaned_up.append(1)

        def program():
            lock.try_acquire()
            for make in (waits_async, waits):
                tonio.spawn.without_tracking(*[make() for _ in range(10)])
            yield started.wait()
            yield tonio.sleep(0.005)

        tonio.run(program())
        self.assertEqual(len(cleaned_up), 20)
        lock.release()
        self.assertFalse(lock.locked())

    def test_a_holder_releases_to_who_is_cancelled_as_well(self):
        for threads in (1, 2):
            lock = sync.Lock()

            def holds(lock=lock):
                with (yield lock()):
                    yield tonio.Event().wait()

            def program(holds=holds):
                tonio.spawn.without_tracking(*[holds() for _ in range(50)])
                yield tonio.sleep(0.002)

            tonio.run(program(), threads=threads)
            self.assertFalse(lock.locked())

    def test_a_lock_that_came_before_the_wait_was_given_up_goes_back(self):
        # Only a coroutine that is driven by hand can be left while it waits.
        lock = sync.Lock()

        async def takes():
            async with lock:
                pass

        def program():
            lock.try_acquire()
            left = takes()
            left.send(None)
            lock.release()
            yield tonio.sleep(0)
            self.assertFalse(lock.locked())
            left.close()
            lock.try_acquire()
            left = takes()
            left.send(None)
            yield tonio.sleep(0)
            lock.release()
            self.assertFalse(lock.locked())
            left.close()

        tonio.run(program())
        self.assertFalse(lock.locked())


if __name__ == "__main__":
    main()
