"""@tonio.main: bare, with options, with arguments."""

import inspect
import unittest

import tonio
import tonio.colored
from scenarios import main


class MainDecorator(unittest.TestCase):
    def test_bare(self):
        @tonio.main
        def program():
            yield
            return 1

        self.assertEqual(program(), 1)

    def test_bare_async(self):
        @tonio.colored.main
        async def program():
            await tonio.colored.yield_now()
            return 2

        self.assertEqual(program(), 2)

    def test_with_options(self):
        @tonio.main(threads=1, context=True)
        def program():
            yield
            return 3

        self.assertEqual(program(), 3)
        self.assertEqual(tonio.main()(program.__wrapped__)(), 3)

    def test_passes_arguments_on(self):
        @tonio.main
        def program(first, *, second):
            yield
            return first, second

        self.assertEqual(program(1, second=2), (1, 2))

    def test_may_be_called_again(self):
        @tonio.main
        def program():
            yield
            return object()

        self.assertIsNot(program(), program())

    def test_keeps_name_and_documentation(self):
        @tonio.main
        def program(argument):
            """What it does."""
            yield

        self.assertEqual((program.__name__, program.__doc__), ("program", "What it does."))
        self.assertEqual(list(inspect.signature(program).parameters), ["argument"])

    def test_bad_options_are_refused_where_it_decorates(self):
        with self.assertRaisesRegex(ValueError, "threads"):
            tonio.main(threads=0)(lambda: None)
        with self.assertRaisesRegex(TypeError, "decorates a function"):
            tonio.main(5)


if __name__ == "__main__":
    main()
