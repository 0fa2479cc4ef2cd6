"""tonio.Result and tonio.Waiter."""

import threading
import unittest

import tonio
import tonio.colored
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError


class ResultOfOne(unittest.TestCase):
    def test_is_none_at_first(self):
        self.assertIsNone(tonio.Result().fetch())

    def test_keeps_the_last_value(self):
        result = tonio.Result()
        self.assertIsNone(result.store("a"))
        self.assertEqual([result.fetch(), result.fetch()], ["a", "a"])
        result.store(value="b", index=0)
        self.assertEqual(result.fetch(), "b")

    def test_other_indices(self):
        result = tonio.Result()
        for index in (1, -1):
            with self.assertRaisesRegex(IndexError, f"index {index} is outside .* size 1"):
                result.store("a", index)
        with self.assertRaises(TypeError):
            result.store("a", "0")


class ResultOfSeveral(unittest.TestCase):
    def test_gives_a_list(self):
        result = tonio.Result(size=3)
        self.assertEqual(result.fetch(), [None, None, None])
        result.store("c", 2)
        result.store("a")
        self.assertEqual(result.fetch(), ["a", None, "c"])

    def test_the_list_is_the_caller_s(self):
        result = tonio.Result(2)
        result.fetch().append("more")
        self.assertEqual(result.fetch(), [None, None])

    def test_of_none(self):
        self.assertEqual(tonio.Result(0).fetch(), [])
        with self.assertRaisesRegex(IndexError, "size 0"):
            tonio.Result(0).store(1)

    def test_bad_sizes(self):
        with self.assertRaisesRegex(ValueError, "0 or more, not -1"):
            tonio.Result(-1)
        with self.assertRaises(TypeError):
            tonio.Result("three")

    def test_from_many_threads(self):
        result = tonio.Result(8)
        threads = [threading.Thread(target=result.store, args=(i, i)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(result.fetch(), list(range(8)))


class Exported(unittest.TestCase):
    def test_in_both_notations(self):
        for name in ("Result", "Waiter", "Runtime"):
            self.assertIn(name, tonio.__all__)
            self.assertIs(getattr(tonio.colored, name), getattr(tonio, name))

    def test_only_events(self):
        with self.assertRaisesRegex(TypeError, "tonio.Event, not int"):
            tonio.Waiter(tonio.Event(), 1)


class Waiting(Scenarios):
    # So that nobody runs at the same time: who yields lets the others go on until they wait.
    options = {"threads": 1}

    def waiting(self, waiter, log):
        """Starts a task that waits, and gives its handle when it does."""

        @self.task
        def wait():
            try:
                log.append((yield waiter))
            except CancelledError:
                log.append("cancelled")
                raise

        handle = tonio.spawn(wait())
        yield from self.turns()
        return handle

    def turns(self):
        for _ in range(10):
            yield

    def test_for_set_events(self):
        event = tonio.Event()
        event.set()
        self.assertIsNone((yield tonio.Waiter(event)))
        self.assertEqual((yield tonio.Waiter(event, event)), [None, None])

    def test_for_no_event(self):
        self.assertIsNone((yield tonio.Waiter()))

    def test_lets_others_run(self):
        for events in ([], [tonio.Event()], [tonio.Event(), tonio.Event()]):
            for event in events:
                event.set()
            ran = tonio.Event()

            @self.task
            def other():
                ran.set()
                yield

            handle = tonio.spawn(other())
            while not ran.is_set():
                yield tonio.Waiter(*events)
            yield handle

    def test_for_all_in_any_order(self):
        for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
            events = [tonio.Event() for _ in range(3)]
            log = []
            handle = yield from self.waiting(tonio.Waiter(*events), log)
            for i in order:
                self.assertEqual(log, [])
                events[i].set()
                yield from self.turns()
            self.assertEqual(log, [[None, None, None]])
            yield handle

    def test_an_event_that_is_cleared_again_has_been_set(self):
        for cleared in (0, 1):
            events = [tonio.Event(), tonio.Event()]
            log = []
            handle = yield from self.waiting(tonio.Waiter(*events), log)
            events[cleared].set()
            events[cleared].clear()
            yield from self.turns()
            self.assertEqual(log, [])
            events[1 - cleared].set()
            yield handle
            self.assertEqual(log, [[None, None]])

    def test_by_several_tasks_and_again(self):
        first, second = tonio.Event(), tonio.Event()
        waiter = tonio.Waiter(first, second)
        log = []
        handles = []
        for _ in range(3):
            handles.append((yield from self.waiting(waiter, log)))
        first.set()
        second.set()
        for handle in handles:
            yield handle
        yield waiter
        self.assertEqual(log, [[None, None]] * 3)

    def test_is_cancelled(self):
        for set_before in ([], [0], [1]):
            events = [tonio.Event(), tonio.Event()]
            log = []

            @self.task
            def wait():
                try:
                    yield tonio.Waiter(*events)
                except CancelledError:
                    log.append("cancelled")
                    raise

            def body(scope):
                scope.spawn(wait())
                yield from self.turns()
                for i in set_before:
                    events[i].set()
                yield from self.turns()
                scope.cancel()

            yield self.scoped(body)
            self.assertEqual(log, ["cancelled"])

    def test_of_set_events_is_cancelled(self):
        event = tonio.Event()
        event.set()
        for events in ([], [event], [event, event]):

            def body(scope):
                scope.cancel()
                yield tonio.Waiter(*events)
                self.fail("it was not cancelled")

            yield self.scoped(body)


class WaitingForThreads(Scenarios):
    options = {"threads": 4}

    def test_set_by_threads(self):
        for _ in range(100):
            events = [tonio.Event() for _ in range(3)]
            result = tonio.Result(3)

            def finish(index):
                result.store(index, index)
                events[index].set()

            threads = [threading.Thread(target=finish, args=(i,)) for i in range(3)]
            for thread in threads:
                thread.start()
            yield tonio.Waiter(*events)
            self.assertEqual(result.fetch(), [0, 1, 2])
            for thread in threads:
                thread.join()


if __name__ == "__main__":
    main()
