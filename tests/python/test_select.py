"""tonio.select()."""

import tonio
from scenarios import Scenarios, main

FOREVER = 3600


class Select(Scenarios):
    def test_the_first_result(self):
        def work(seconds):
            yield tonio.sleep(seconds)
            return seconds

        task = self.task(work)
        self.assertEqual((yield tonio.select(task(FOREVER), task(0.001), task(FOREVER))), 0.001)

    def test_the_others_have_ended(self):
        log = []

        def slow():
            try:
                yield tonio.sleep(FOREVER)
            finally:
                yield tonio.sleep(0.001)
                log.append("cleaned up")

        def fast():
            yield tonio.sleep(0.001)

        yield tonio.select(self.task(slow)(), self.task(fast)(), self.task(slow)())
        self.assertEqual(log, ["cleaned up"] * 2)

    def test_the_first_failure(self):
        def fail():
            yield
            raise ValueError("first")

        with self.assertRaisesRegex(ValueError, "first"):
            yield tonio.select(tonio.sleep(FOREVER), self.task(fail)())

    def test_a_second_finisher_does_not_replace_the_first(self):
        gate = tonio.Event()

        def work(number):
            yield gate.wait()
            return number

        def first():
            yield
            gate.set()
            return "first"

        for _ in range(50):
            gate.clear()
            result = yield tonio.select(work(1), work(2), first())
            self.assertIn(result, (1, 2, "first"))

    def test_cancelled_from_outside(self):
        log = []

        def slow():
            try:
                yield tonio.sleep(FOREVER)
            finally:
                log.append("ended")

        limited = yield tonio.time.timeout(tonio.select(slow(), slow()), 0.01)
        self.assertEqual(limited, (None, False))
        self.assertEqual(log, ["ended"] * 2)

    def test_of_what_is_no_coroutine(self):
        with self.assertRaisesRegex(TypeError, r"select\(\) takes .* not 5"):
            tonio.select(tonio.sleep(0), 5)
        with self.assertRaisesRegex(TypeError, r"call the function to get one"):
            tonio.select(self.test_of_nothing_yield)
        yield

    def test_of_nothing(self):
        with self.assertRaisesRegex(ValueError, "at least one"):
            tonio.select()
        yield


if __name__ == "__main__":
    main()
