"""What a task can't wait for raises TypeError at the yield, inside the coroutine."""

import traceback
import unittest

import tonio
from scenarios import main


class Named:
    def __repr__(self):
        return "<a Named thing>"


class YieldingNonsense(unittest.TestCase):
    def test_names_it(self):
        def program():
            for nonsense in (5, "text", (1, 2), {}, Named(), Named, 1.5, object):
                with self.assertRaises(TypeError) as caught:
                    yield nonsense
                self.assertIn(repr(nonsense), str(caught.exception))
                self.assertIn("a task can yield None", str(caught.exception))

        tonio.run(program())

    def test_the_task_goes_on(self):
        def program():
            try:
                yield 5
            except TypeError:
                pass
            yield tonio.sleep(0)
            return (yield [tonio.sleep(0)])

        self.assertEqual(tonio.run(program()), [None])

    def test_a_function_not_called_is_told(self):
        def other():
            yield

        def program():
            yield other

        with self.assertRaisesRegex(TypeError, "call the function to get one"):
            tonio.run(program())

    def test_the_traceback_ends_at_the_yield(self):
        def program():
            yield
            yield 5  # here

        try:
            tonio.run(program())
        except TypeError as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
        self.assertEqual((last.name, last.line), ("program", "yield 5  # here"))

    def test_out_of_an_awaitable(self):
        class Yields:
            def __await__(self):
                yield 5

        async def program():
            with self.assertRaisesRegex(TypeError, "not 5"):
                await Yields()

        tonio.run(program())

    def test_a_future_of_asyncio(self):
        class Future:
            def __await__(self):
                yield self

        async def program():
            with self.assertRaisesRegex(RecursionError, "coroutines"):
                await Future()
            return "survived"

        self.assertEqual(tonio.run(program()), "survived")

    def test_a_coroutine_that_calls_itself_for_ever(self):
        def endless():
            yield endless()

        with self.assertRaises(RecursionError):
            tonio.run(endless())

    def test_a_repr_that_fails(self):
        class NoRepr:
            def __repr__(self):
                raise LookupError("no repr")

        def program():
            with self.assertRaises((TypeError, LookupError)):
                yield NoRepr()

        tonio.run(program())


class CatchingWhatIsThrown(unittest.TestCase):
    """After the exception at a yield anything may be yielded."""

    def check(self, after, result):
        def program():
            try:
                yield 5
            except TypeError:
                return (yield after())

        self.assertEqual(tonio.run(program()), result)

    def test_none(self):
        self.check(lambda: None, None)

    def test_an_operation(self):
        self.check(lambda: tonio.sleep(0.001), None)
        self.check(lambda: tonio.spawn_blocking(len, "abc"), 3)

    def test_a_generator(self):
        def other():
            yield
            return "other"

        self.check(other, "other")

    def test_a_coroutine(self):
        async def other():
            await tonio.sleep(0)
            return "async"

        self.check(other, "async")

    def test_more_nonsense(self):
        def program():
            for _ in range(1000):
                try:
                    yield 5
                except TypeError:
                    try:
                        yield 6
                    except TypeError:
                        pass
            return "survived"

        self.assertEqual(tonio.run(program()), "survived")


if __name__ == "__main__":
    main()
