"""tonio.Event: set, clear, wait, from tasks and from threads."""

import threading
import unittest

import tonio
from scenarios import Scenarios, main


class Flag(unittest.TestCase):
    def test_is_not_set_at_first(self):
        self.assertIs(tonio.Event().is_set(), False)

    def test_set_says_whether_it_was_this_call(self):
        event = tonio.Event()
        self.assertIs(event.set(), True)
        self.assertIs(event.set(), False)
        self.assertIs(event.is_set(), True)
        event.clear()
        self.assertIs(event.is_set(), False)
        self.assertIs(event.set(), True)

    def test_takes_no_arguments(self):
        with self.assertRaises(TypeError):
            tonio.Event(1)
        with self.assertRaises(TypeError):
            tonio.Event(flag=True)

    def test_of_many_threads_one_sets_it(self):
        for _ in range(50):
            event = tonio.Event()
            barrier = threading.Barrier(4)
            results = []

            def set_it():
                barrier.wait()
                results.append(event.set())

            threads = [threading.Thread(target=set_it) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(results), [False, False, False, True])


class Wait(Scenarios):
    def test_on_a_set_event(self):
        event = tonio.Event()
        event.set()
        self.assertIsNone((yield event.wait()))
        self.assertIsNone((yield event.wait(timeout=0)))

    def test_until_a_task_sets_it(self):
        event = tonio.Event()
        order = []

        @self.task
        def setter():
            yield
            order.append("set")
            event.set()

        handle = tonio.spawn(setter())
        self.assertIsNone((yield event.wait()))
        order.append("woken")
        yield handle
        self.assertEqual(order, ["set", "woken"])

    def test_until_a_thread_sets_it(self):
        for _ in range(100):
            event = tonio.Event()
            thread = threading.Thread(target=event.set)
            thread.start()
            yield event.wait()
            thread.join()

    def test_of_many_tasks(self):
        event = tonio.Event()

        @self.task
        def waiter(number):
            yield event.wait()
            return number

        handle = tonio.spawn(*[waiter(i) for i in range(1000)])
        yield tonio.sleep(0.01)
        event.set()
        self.assertEqual((yield handle), list(range(1000)))

    def test_again_after_clear(self):
        event, back = tonio.Event(), tonio.Event()

        @self.task
        def other():
            for _ in range(200):
                yield event.wait()
                event.clear()
                back.set()

        handle = tonio.spawn(other())
        for _ in range(200):
            event.set()
            yield back.wait()
            back.clear()
        yield handle

    def test_may_be_awaited_again_and_by_several(self):
        event = tonio.Event()
        wait = event.wait()

        @self.task
        def waiter():
            yield wait
            yield wait

        handle = tonio.spawn(waiter(), waiter(), wait)
        yield tonio.sleep(0.001)
        event.set()
        yield handle


class WaitWithTimeout(Scenarios):
    def test_gives_none_when_time_is_over(self):
        event = tonio.Event()
        start = tonio.time.time()
        self.assertIsNone((yield event.wait(0.05)))
        self.assertGreaterEqual(tonio.time.time() - start, 0.05)
        self.assertFalse(event.is_set())

    def test_zero_does_not_wait(self):
        yield tonio.Event().wait(0)

    def test_is_woken_before(self):
        event = tonio.Event()

        @self.task
        def setter():
            yield
            event.set()

        handle = tonio.spawn(setter())
        start = tonio.time.time()
        yield event.wait(60)
        self.assertLess(tonio.time.time() - start, 30)
        yield handle

    def test_none_is_no_timeout(self):
        event = tonio.Event()
        handle = tonio.spawn(event.wait(None), event.wait(timeout=None))
        yield
        event.set()
        yield handle

    def test_waiter_counts_microseconds(self):
        event = tonio.Event()
        start = tonio.time.time()
        yield event.waiter(20_000)
        took = tonio.time.time() - start
        self.assertGreaterEqual(took, 0.02)
        self.assertLess(took, 10)
        event.set()
        yield event.waiter()

    def test_bad_timeouts_are_refused(self):
        event = tonio.Event()
        for error, timeout in [
            (ValueError, -1),
            (ValueError, float("nan")),
            (TypeError, "1"),
        ]:
            with self.assertRaisesRegex(error, "timeout"):
                event.wait(timeout)
        with self.assertRaisesRegex(TypeError, "timeout"):
            event.wait(1, 2)
        with self.assertRaisesRegex(TypeError, r"Event\.wait\(\) got an unexpected .* 'limit'"):
            event.wait(limit=1)
        yield

    def test_an_infinite_timeout_is_none(self):
        event = tonio.Event()
        handle = tonio.spawn(event.wait(float("inf")), event.wait(1e300))
        yield tonio.sleep(0.01)
        event.set()
        yield handle


if __name__ == "__main__":
    main()
