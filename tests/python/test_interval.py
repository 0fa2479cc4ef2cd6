"""tonio.time.interval(): when ticks come, measured on the runtime's clock."""

import unittest

import tonio
from scenarios import Scenarios, main
from tonio.time import interval, time

# What a busy machine may add to a wait.
SLACK = 5


class Interval(Scenarios):
    def test_the_first_tick_is_at_once(self):
        start = time()
        ticker = interval(3600)
        self.assertIsNone((yield ticker.tick()))
        self.assertLess(time() - start, SLACK)

    def test_the_first_tick_is_at_the_given_time(self):
        at = time() + 0.05
        yield interval(3600, at).tick()
        self.assertGreaterEqual(time(), at)
        self.assertLess(time(), at + SLACK)

    def test_a_given_time_that_is_past_is_at_once(self):
        start = time()
        for at in (start, start - 100, 0, -1.5):
            yield interval(3600, at=at).tick()
        self.assertLess(time() - start, SLACK)

    def test_ticks_come_a_period_apart(self):
        first = time() + 0.01
        ticker = interval(0.01, at=first)
        for number in range(10):
            yield ticker.tick()
            self.assertGreaterEqual(time(), first + number * 0.01 - 1e-9)

    def test_the_time_that_the_body_takes_does_not_add_up(self):
        # Each tick is waited for within the period, so the schedule stays that of the start:
        # with a body of 3 ms the last would otherwise come 60 ms later.
        for _ in range(20):
            first = time() + 0.02
            ticker = interval(0.02, at=first)
            late = []
            for number in range(20):
                yield ticker.tick()
                now = time()
                self.assertGreaterEqual(now, first + number * 0.02 - 1e-9)
                late.append(now - first - number * 0.02)
                while time() < now + 0.003:
                    pass
            if late[-1] < 0.02:
                return
        # The machine was too busy in every round for the schedule to be kept.
        self.fail(f"the last tick was {late[-1]} s late")

    def test_a_late_tick_comes_at_once_and_moves_the_schedule(self):
        ticker = interval(0.05)
        yield ticker.tick()
        yield tonio.sleep(0.12)  # two ticks are over when the next is waited for
        start = time()
        yield ticker.tick()
        late = time()
        self.assertLess(late - start, SLACK)
        yield ticker.tick()
        # A period after the late one, not at the old schedule's next time; neither are the
        # missed ones made up for.
        self.assertGreaterEqual(time(), start + 0.05)

    def test_ticks_that_are_all_late_let_others_run(self):
        ran = []

        @self.task
        def other():
            ran.append(True)
            yield

        ticker = interval(1e-9, at=0)
        handle = tonio.spawn(other())
        while not ran:
            yield ticker.tick()
        yield handle

    def test_ticks_may_be_made_ahead(self):
        first = time() + 0.01
        ticker = interval(0.02, at=first)
        ticks = [ticker.tick() for _ in range(3)]
        for number, tick in enumerate(ticks):
            yield tick
            self.assertGreaterEqual(time(), first + number * 0.02 - 1e-9)

    def test_a_tick_may_be_awaited_again(self):
        first = time()
        tick = interval(0.02).tick()
        for number in range(3):
            yield tick
            self.assertGreaterEqual(time(), first + number * 0.02)

    def test_one_that_is_made_and_dropped_counts_for_nothing(self):
        ticker = interval(3600)
        ticker.tick()
        start = time()
        yield ticker.tick()
        self.assertLess(time() - start, SLACK)

    def test_tasks_that_wait_at_once_get_a_tick_each(self):
        ticker = interval(0.02)
        first = time()

        @self.task
        def waits():
            yield ticker.tick()
            return time()

        times = sorted((yield tonio.spawn(*[waits() for _ in range(4)])))
        for number, came in enumerate(times):
            # The first was late by what came before it, so the others are later still.
            self.assertGreaterEqual(came, first + number * 0.02 - 1e-9)

    def test_a_tick_that_is_abandoned_loses_nothing(self):
        ticker = interval(3600, at=time() + 0.05)
        waiting = ticker.tick().__await__()
        # What cancelling does: the wait is begun and ends with an exception.
        next(waiting)
        with self.assertRaises(tonio.exceptions.CancelledError):
            waiting.throw(tonio.exceptions.CancelledError())
        start = time()
        yield ticker.tick()
        self.assertLess(time() - start, SLACK)

    def test_yield_from(self):
        def ticks():
            yield from interval(3600).tick()
            return "ticked"

        self.assertEqual((yield ticks()), "ticked")

    def test_spawned(self):
        ticker = interval(0.001)
        yield tonio.spawn(*[ticker.tick() for _ in range(5)])


class OneWorker(Interval):
    options = {"threads": 1}


class Arguments(unittest.TestCase):
    def test_bad_periods(self):
        for error, period in [
            (ValueError, 0),
            (ValueError, -1),
            (ValueError, float("nan")),
            (ValueError, float("-inf")),
            (TypeError, "1"),
            (TypeError, None),
            (TypeError, [1]),
        ]:
            with self.assertRaisesRegex(error, r"interval\(\): period must"):
                interval(period)

    def test_bad_times(self):
        for error, at in [(ValueError, float("nan")), (TypeError, [1])]:
            with self.assertRaisesRegex(error, r"interval\(\): at must"):
                interval(1, at)

    def test_any_number_will_do(self):
        for period in (1, 0.5, 1e-9, float("inf"), True):
            interval(period, at=time())

    def test_both_notations_share_it(self):
        import tonio.colored.time

        self.assertIs(tonio.colored.time.interval, interval)


if __name__ == "__main__":
    main()
