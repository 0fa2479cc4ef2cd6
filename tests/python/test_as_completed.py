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
