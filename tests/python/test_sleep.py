"""tonio.sleep(): order, resolution, arguments."""

import statistics

import tonio
from scenarios import Scenarios, main


class Sleep(Scenarios):
    def test_wakes_in_order_of_time(self):
        order = []

        @self.task
        def sleeper(number):
            yield tonio.sleep(0.02 * number)
            order.append(number)

        yield tonio.spawn(*[sleeper(number) for number in (3, 1, 4, 2)])
        self.assertEqual(order, [1, 2, 3, 4])

    def test_gives_none(self):
        self.assertIsNone((yield tonio.sleep(0.001)))
        self.assertIsNone((yield tonio.sleep(0)))

    def test_is_never_early(self):
        for seconds in (0.0001, 0.001, 0.01, 0.0123):
            start = tonio.time.time()
            yield tonio.sleep(seconds)
            # The clock counts whole microseconds.
            self.assertGreaterEqual(tonio.time.time() - start, seconds - 1e-6)

    def test_zero_lets_others_run(self):
        order = []

        @self.task
        def other():
            order.append("other")
            yield

        handle = tonio.spawn(other())
        while not order:
            yield tonio.sleep(0)
        yield handle

    def test_takes_any_number(self):
        class Seconds:
            def __float__(self):
                return 0.001

        yield tonio.sleep(0)
        yield tonio.sleep(True * 0)
        yield tonio.sleep(Seconds())

    def test_bad_numbers_are_refused(self):
        for error, seconds in [
            (ValueError, -1),
            (ValueError, -0.001),
            (ValueError, float("nan")),
            (ValueError, float("-inf")),
            (TypeError, None),
            (TypeError, "1"),
        ]:
            with self.assertRaisesRegex(error, r"tonio\.sleep\(\): seconds must"):
                tonio.sleep(seconds)
        with self.assertRaises(TypeError):
            tonio.sleep()
        with self.assertRaises(TypeError):
            tonio.sleep(1, 2)
        with self.assertRaisesRegex(TypeError, "unexpected .* 'minutes'"):
            tonio.sleep(minutes=1)
        self.assertIsNone((yield tonio.sleep(seconds=0.001)))

    def test_the_longest_sleeps_do_not_end_at_once(self):
        handle = tonio.spawn(*[tonio.sleep(s) for s in (float("inf"), 1e300, 1e13)])
        woken = tonio.Event()

        @self.task
        def watch():
            yield handle
            woken.set()

        tonio.spawn.without_tracking(watch())
        yield woken.wait(0.02)
        self.assertFalse(woken.is_set())

    def test_may_be_awaited_again(self):
        sleep = tonio.sleep(0.001)
        yield sleep
        yield sleep
        yield tonio.spawn(sleep, sleep)

    def test_many_at_once(self):
        @self.task
        def sleeper(number):
            yield tonio.sleep(number % 100 * 0.0001)
            return 1

        results = yield tonio.spawn(*[sleeper(number) for number in range(20_000)])
        self.assertEqual(sum(results), 20_000)


class Resolution(Scenarios):
    options = {"threads": 1}

    def test_half_a_millisecond_is_no_whole_one(self):
        late = []
        for _ in range(300):
            start = tonio.time.time()
            yield tonio.sleep(0.0005)
            late.append(tonio.time.time() - start - 0.0005)
        self.assertLess(statistics.median(late), 0.0005)


if __name__ == "__main__":
    main()
