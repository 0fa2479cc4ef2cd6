"""tonio.map() and tonio.map_blocking()."""

import contextvars
import unittest

import tonio
from scenarios import Scenarios, main

variable = contextvars.ContextVar("variable", default=0)


class Map(Scenarios):
    def test_gives_a_list_in_order(self):
        @self.task
        def later(value):
            yield tonio.sleep(0.002 * (4 - value))
            return value

        self.assertEqual((yield tonio.map(later, range(4))), [0, 1, 2, 3])
        self.assertEqual((yield tonio.map(later, iter([1]))), [1])
        self.assertEqual((yield tonio.map(later, [])), [])

    def test_takes_functions_that_give_operations(self):
        self.assertEqual((yield tonio.map(tonio.sleep, [0, 0.001])), [None, None])

    def test_starts_at_once(self):
        started = tonio.Event()

        @self.task
        def start(event):
            event.set()
            yield

        handle = tonio.map(start, [started])
        yield started.wait()
        yield handle

    def test_failures(self):
        @self.task
        def fails(value):
            yield
            raise ValueError(value)

        with self.assertRaises(ExceptionGroup) as caught:
            yield tonio.map(fails, range(3))
        values = {error.args[0] for error in caught.exception.exceptions}
        self.assertEqual(values, {0, 1, 2})

    def test_a_function_that_fails(self):
        def refuses(value):
            raise LookupError(value)

        with self.assertRaisesRegex(LookupError, "1"):
            tonio.map(refuses, [1, 2])
        yield

    def test_bad_arguments_are_refused(self):
        with self.assertRaises(TypeError):
            tonio.map(tonio.sleep)
        with self.assertRaises(TypeError):
            tonio.map(tonio.sleep, 5)
        with self.assertRaises(TypeError):
            tonio.map(5, [1])
        with self.assertRaisesRegex(TypeError, "the function of tonio.map.. gives .* not 12"):
            tonio.map(len, ["no coroutine"])
        yield


class MapBlocking(Scenarios):
    def test_gives_a_list_in_order(self):
        self.assertEqual((yield tonio.map_blocking(len, ["", "a", "bb"])), [0, 1, 2])
        self.assertEqual((yield tonio.map_blocking(len, [])), [])
        self.assertEqual((yield tonio.map_blocking(str, iter(range(300)))), [*map(str, range(300))])

    def test_failures(self):
        with self.assertRaises(ExceptionGroup) as caught:
            yield tonio.map_blocking(int, ["1", "x", "y"])
        self.assertEqual(len(caught.exception.exceptions), 2)

    def test_bad_arguments_are_refused(self):
        with self.assertRaises(TypeError):
            tonio.map_blocking(len)
        with self.assertRaises(TypeError):
            tonio.map_blocking(len, 5)
        with self.assertRaises(TypeError):
            tonio.map_blocking(5, [1])
        yield


class MapBlockingOverBlockOn(unittest.TestCase):
    def test_a_hundred_times_with_contexts(self):
        def inner(value):
            yield tonio.sleep(0)
            variable.set(variable.get() + value)
            return variable.get()

        def outer(value):
            return tonio.block_on(inner(value))

        def program():
            variable.set(1000)
            for _ in range(100):
                self.assertEqual((yield tonio.map_blocking(outer, range(8))),
                                 [1000 + value for value in range(8)])
            self.assertEqual(variable.get(), 1000)

        tonio.run(program(), context=True)


if __name__ == "__main__":
    main()
