"""Tasks race for one coroutine, and some that have it can't run it: it runs once, and
everybody who waits gets its outcome."""

import unittest

import tonio
from scale import scaled
from scenarios import main

WORKERS = (1, 2, 4, 8)


class Refused:
    def __await__(self):
        raise ValueError("refused")


class SharedCoroutines(unittest.TestCase):
    def race(self, make, use):
        def spoil(shared):
            for _ in range(3):
                with self.assertRaisesRegex(ValueError, "refused"):
                    yield [shared, Refused()]
                yield

        def program():
            for number in range(scaled(300)):
                ran = []
                shared = make(ran)
                tasks = [use(shared) if i % 3 == number % 3 else spoil(shared) for i in range(7)]
                yield [*tasks, use(shared)]
                self.assertEqual(ran, [1])

        for workers in WORKERS:
            with self.subTest(workers=workers):
                tonio.run(program(), threads=workers)

    def test_results(self):
        def steps(ran):
            ran.append(1)
            for _ in range(3):
                yield
            return "done"

        def use(shared):
            self.assertEqual((yield [shared]), ["done"])

        self.race(steps, use)

    def test_failures(self):
        def fail(ran):
            ran.append(1)
            yield
            raise KeyError("shared")

        def use(shared):
            # Not with assertRaises: it clears the frames of the traceback, which several tasks
            # have here, and CPython's frame.clear() is not made for several threads at once.
            try:
                yield shared
            except KeyError as failure:
                self.assertEqual(failure.args, ("shared",))
            else:
                self.fail("nothing was raised")

        self.race(fail, use)

    def test_coroutines_that_never_suspend(self):
        async def at_once(ran):
            ran.append(1)
            return "done"

        def use(shared):
            self.assertEqual((yield shared), "done")

        self.race(at_once, use)


if __name__ == "__main__":
    main()
