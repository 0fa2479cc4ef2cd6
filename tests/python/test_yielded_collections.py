"""tinyio's forms: `yield [a, b]` gathers, `yield {a, b}` starts in the background."""

import unittest

import tonio
from scenarios import main


def gives(value):
    yield tonio.sleep(0.001)
    return value


async def gives_async(value):
    await tonio.sleep(0)
    return value


def fails():
    yield
    raise ValueError("member")


class YieldedCollections(unittest.TestCase):
    def test_a_list_gathers_in_order(self):
        def program():
            return (yield [gives(1), gives_async(2), tonio.sleep(0), tonio.spawn(gives(3))])

        self.assertEqual(tonio.run(program()), [1, 2, None, 3])

    def test_an_empty_list(self):
        def program():
            return (yield [])

        self.assertEqual(tonio.run(program()), [])

    def test_a_list_runs_its_members_at_the_same_time(self):
        first, second = tonio.Event(), tonio.Event()

        def meets(mine, other):
            mine.set()
            yield other.wait()

        def program():
            yield [meets(first, second), meets(second, first)]

        tonio.run(program())

    def test_a_list_whose_members_fail(self):
        def program():
            with self.assertRaises(ExceptionGroup) as caught:
                yield [fails(), gives(1)]
            return [str(error) for error in caught.exception.exceptions]

        self.assertEqual(tonio.run(program()), ["member"])

    def test_a_set_starts_in_the_background(self):
        ended = tonio.Event()

        def background():
            yield tonio.sleep(0.001)
            ended.set()

        def program():
            self.assertIsNone((yield {background()}))
            self.assertFalse(ended.is_set())
            yield ended.wait()
            self.assertIsNone((yield set()))
            self.assertIsNone((yield frozenset({gives(1)})))

        tonio.run(program())

    def test_nonsense_within_is_refused_and_nothing_starts(self):
        started = []

        def notes():
            started.append(True)
            yield

        def program():
            for collection in ([notes(), 5], {notes(), 5}):
                with self.assertRaisesRegex(TypeError, "holds a generator.*not 5"):
                    yield collection
            yield tonio.sleep(0.01)

        tonio.run(program())
        self.assertEqual(started, [])


if __name__ == "__main__":
    main()
