"""tonio.as_completed()."""

import unittest

import tonio
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError

FOREVER = 3600


def value(event, result):
    yield event.wait()
    return result


class AsCompleted(Scenarios):
    def test_the_order_of_completion(self):
        events = [tonio.Event() for _ in range(3)]
        tasks = tonio.as_completed(*[value(e, i) for i, e in enumerate(events)])
        got = []
        order = iter((2, 0, 1))
        for task in tasks:
            events[next(order)].set()
            got.append((yield task))
        self.assertEqual(got, [2, 0, 1])

    def test_failures_whose_class_is_odd(self):
        """What BaseException does is not asked of the class."""

        class Odd(Exception):
            __hash__ = None
            __traceback__ = None

            def with_traceback(self):
                raise AssertionError

            def __eq__(self, other):
                raise AssertionError

        def fail():
            yield
            raise Odd

        tasks = list(tonio.as_completed(*[self.task(fail)() for _ in range(3)]))
        for task in tasks:
            try:
                yield task
            except Odd:
                pass
            else:
                self.fail("no exception")

    def test_a_failure_at_its_turn(self):
        def fail():
            yield
            raise ValueError("turn")

        last = tonio.Event()
        tasks = iter(tonio.as_completed(self.task(fail)(), value(last, "last")))
        with self.assertRaisesRegex(ValueError, "turn"):
            yield next(tasks)
        last.set()
        self.assertEqual((yield next(tasks)), "last")
        with self.assertRaises(StopIteration):
            next(tasks)

    def test_one_whose_wait_is_cancelled_comes_again(self):
        events = [tonio.Event() for _ in range(2)]
        tasks = iter(tonio.as_completed(*[value(e, i) for i, e in enumerate(events)]))
        self.assertEqual((yield tonio.time.timeout(next(tasks), 0.001)), (None, False))
        events[1].set()
        self.assertEqual((yield next(tasks)), 1)
        events[0].set()
        self.assertEqual((yield next(tasks)), 0)
        with self.assertRaises(StopIteration):
            next(tasks)

    def test_several_tasks_share_it(self):
        @self.task
        def number(n):
            yield
            return n

        tasks = tonio.as_completed(*[number(n) for n in range(200)])

        @self.task
        def consumer():
            got = []
            for task in tasks:
                got.append((yield task))
            return got

        shares = yield tonio.spawn(*[consumer() for _ in range(4)])
        self.assertEqual(sorted(sum(shares, [])), list(range(200)))

    def test_what_is_no_coroutine_is_refused(self):
        with self.assertRaisesRegex(TypeError, r"as_completed\(\) takes .* not 5"):
            tonio.as_completed(tonio.sleep(0), 5)
        yield

    def test_dropped_early_the_rest_is_cancelled(self):
        started = tonio.Event()
        ended = tonio.Event()

        def slow():
            try:
                started.set()
                yield tonio.sleep(FOREVER)
            except CancelledError:
                ended.set()
                raise

        for task in tonio.as_completed(value(started, 1), slow()):
            yield task
            break
        del task
        yield ended.wait()

    def test_of_nothing(self):
        self.assertEqual(list(tonio.as_completed()), [])
        yield


class Colored(unittest.TestCase):
    def test_async_for(self):
        async def work(seconds):
            await tonio.sleep(seconds)
            return seconds

        async def program():
            return [v async for v in tonio.as_completed(work(0.03), work(0.001), work(0.015))]

        self.assertEqual(tonio.run(program()), [0.001, 0.015, 0.03])


if __name__ == "__main__":
    main()
