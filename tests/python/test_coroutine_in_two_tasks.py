"""A coroutine belongs to one task at a time; the second gets a RuntimeError."""

import unittest

import tonio
from scale import scaled
from scenarios import main


def steps():
    for _ in range(20):
        yield
    return "done"


async def coroutine():
    for _ in range(20):
        await tonio.sleep(0)
    return "done"


def use(shared):
    try:
        return (yield shared)
    except RuntimeError as error:
        return str(error)


class CoroutineInTwoTasks(unittest.TestCase):
    def check(self, make):
        def program():
            for _ in range(scaled(300)):
                outcomes = yield [use(shared) for shared in [make()] * 4]
                self.assertGreaterEqual(outcomes.count("done"), 1)
                for outcome in outcomes:
                    self.assertTrue(
                        outcome in ("done", None)
                        or "run by a task already" in outcome
                        or "cannot reuse already awaited" in outcome,
                        outcome,
                    )

        tonio.run(program(), threads=4)

    def test_generator(self):
        self.check(steps)

    def test_coroutine(self):
        self.check(coroutine)

    def test_spawned_twice_starts_nothing(self):
        def program():
            shared = steps()
            with self.assertRaisesRegex(RuntimeError, "run by a task already"):
                tonio.spawn(shared, shared)
            self.assertEqual((yield shared), "done")

        tonio.run(program())


if __name__ == "__main__":
    main()
