"""tonio.time.timeout()."""

import interrupted
import tonio
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError
from tonio.time import timeout

FOREVER = 3600


class Timeout(Scenarios):
    def test_in_time(self):
        def work():
            yield
            return "output"

        self.assertEqual((yield timeout(self.task(work)(), FOREVER)), ("output", True))

    def test_too_late_and_it_has_ended(self):
        log = []

        def work():
            try:
                yield tonio.sleep(FOREVER)
            finally:
                yield tonio.sleep(0.001)
                log.append("cleaned up")

        self.assertEqual((yield timeout(self.task(work)(), 0.001)), (None, False))
        self.assertEqual(log, ["cleaned up"])

    def test_an_operation(self):
        self.assertEqual((yield timeout(tonio.Event().wait(), 0.001)), (None, False))
        self.assertEqual((yield timeout(tonio.sleep(0), FOREVER)), (None, True))

    def test_its_own_exception(self):
        def work():
            yield
            raise ValueError("own")

        with self.assertRaisesRegex(ValueError, "own"):
            yield timeout(self.task(work)(), FOREVER)

    def test_an_exception_while_cleaning_up(self):
        def work():
            try:
                yield tonio.sleep(FOREVER)
            finally:
                raise ValueError("late")

        with self.assertRaisesRegex(ValueError, "late"):
            yield timeout(self.task(work)(), 0.001)

    def test_who_catches_the_cancellation_gives_its_result(self):
        def work():
            try:
                yield tonio.sleep(FOREVER)
            except CancelledError:
                return "caught"

        self.assertEqual((yield timeout(self.task(work)(), 0.001)), ("caught", True))

    def test_nested(self):
        def inner():
            return (yield timeout(tonio.sleep(FOREVER), FOREVER))

        self.assertEqual((yield timeout(inner(), 0.001)), (None, False))
        outer = yield timeout(timeout(tonio.sleep(FOREVER), 0.001), FOREVER)
        self.assertEqual(outer, ((None, False), True))

    def test_zero_is_over_at_the_first_suspension(self):
        self.assertEqual((yield timeout(tonio.sleep(FOREVER), 0)), (None, False))
        self.assertEqual((yield timeout(tonio.sleep(0), 0)), (None, False))

        @self.task
        def does_not_suspend():
            return 42
            yield

        self.assertEqual((yield timeout(does_not_suspend(), 0)), (42, True))

    def test_bad_limits(self):
        with self.assertRaisesRegex(TypeError, r"timeout\(\) takes .* not 5"):
            timeout(5, 1)
        for bad, kind in ((-1, ValueError), ("1", TypeError)):
            with self.assertRaises(kind):
                timeout(tonio.sleep(0), bad)
        yield

    def test_a_blocking_call_is_interrupted(self):
        call = tonio.spawn_blocking(interrupted.block)
        self.assertEqual((yield timeout(call, 0.01)), (None, False))


if __name__ == "__main__":
    main()
