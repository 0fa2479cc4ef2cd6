"""One implementation, two notations: generators and coroutines call each other."""

import unittest

import tonio
import tonio.colored
import tonio.colored.exceptions
import tonio.colored.net.socket
import tonio.exceptions
import tonio.net.socket
from scenarios import main
from tonio.colored import yield_now
from tonio.sync import channel


def generator(value):
    yield tonio.sleep(0)
    return value


async def coroutine(value):
    await tonio.sleep(0)
    return value


class CallingEachOther(unittest.TestCase):
    def test_a_generator_yields_a_coroutine(self):
        def program():
            return (yield coroutine(1))

        self.assertEqual(tonio.run(program()), 1)

    def test_a_generator_yields_a_generator(self):
        def program():
            return (yield generator(1))

        self.assertEqual(tonio.run(program()), 1)

    def test_a_generator_yields_from_a_generator(self):
        def program():
            return (yield from generator(1))

        self.assertEqual(tonio.run(program()), 1)

    def test_yield_from_an_operation(self):
        event = tonio.Event()

        def program():
            yield from tonio.sleep(0.001)
            event.set()
            yield from event.wait()
            first = yield from tonio.spawn(generator(1), coroutine(2))
            second = yield from tonio.spawn_blocking(len, "abc")
            return first, second

        self.assertEqual(tonio.run(program()), ([1, 2], 3))

    def test_a_coroutine_awaits_a_spawned_generator(self):
        async def program():
            return await tonio.spawn(generator(1))

        self.assertEqual(tonio.run(program()), 1)

    def test_a_coroutine_cannot_await_a_generator(self):
        async def program():
            await generator(1)

        with self.assertRaises(TypeError):
            tonio.run(program())

    def test_deep_chains(self):
        def down(depth):
            if depth == 0:
                return (yield coroutine("bottom"))
            return (yield (down(depth - 1) if depth % 2 else async_down(depth - 1)))

        async def async_down(depth):
            return await tonio.spawn(down(depth))

        self.assertEqual(tonio.run(down(200)), "bottom")

    def test_exceptions_pass_through_both(self):
        async def inner():
            await tonio.sleep(0)
            raise LookupError("from within")

        def middle():
            try:
                yield inner()
            except LookupError as error:
                raise ValueError("from the middle") from error

        def program():
            with self.assertRaisesRegex(ValueError, "from the middle") as caught:
                yield middle()
            return caught.exception.__cause__

        self.assertIsInstance(tonio.run(program()), LookupError)

    def test_a_result_of_any_kind(self):
        async def gives(value):
            await yield_now()
            return value

        def gives_too(value):
            yield
            return value

        class Odd(StopIteration):
            pass

        values = [None, (), (1, 2), [], {}, ValueError("no error"), Odd(5), StopIteration(6), tonio]

        def program():
            for value in values:
                for call in (gives, gives_too):
                    self.assertIs((yield call(value)), value)
                    self.assertIs((yield tonio.spawn(call(value))), value)

        async def program_too():
            for value in values:
                self.assertIs(await gives(value), value)
                self.assertIs(await tonio.spawn(gives_too(value)), value)
                self.assertIs(await tonio.spawn_blocking(lambda: value), value)

        tonio.run(program())
        tonio.run(program_too())


class Context(unittest.TestCase):
    """What is raised while another exception is handled has that as its context."""

    def operations(self):
        async def fails():
            raise ValueError("of the task")

        sender, receiver = channel.unbounded()
        sender.close()
        yield tonio.spawn(fails())
        yield tonio.spawn_blocking(divmod, 1, 0)
        yield receiver.receive()

    def check(self, program):
        def run():
            for operation in self.operations():
                try:
                    yield program(operation)
                except Exception as error:
                    self.assertIsInstance(error.__context__, LookupError, error)
                else:
                    self.fail(f"{operation} has raised nothing")

        tonio.run(run())

    def test_yield(self):
        def program(operation):
            try:
                raise LookupError("handled")
            finally:
                yield operation

        self.check(program)

    def test_await(self):
        async def program(operation):
            try:
                raise LookupError("handled")
            finally:
                await operation

        self.check(program)


class Modules(unittest.TestCase):
    def test_colored_has_what_tonio_has(self):
        for name in tonio.__all__:
            if name not in ("time", "exceptions"):
                self.assertIs(getattr(tonio.colored, name), getattr(tonio, name), name)
        self.assertIs(tonio.colored.net.socket.socket, tonio.net.socket.socket)
        self.assertIs(tonio.colored.exceptions.CancelledError, tonio.exceptions.CancelledError)

    def test_yield_now_is_of_colored_only(self):
        self.assertNotIn("yield_now", tonio.__all__)
        self.assertFalse(hasattr(tonio, "yield_now"))

    def test_all_names_exist(self):
        for module in (tonio, tonio.colored, tonio.time, tonio.exceptions, tonio.net.socket):
            for name in module.__all__:
                self.assertTrue(hasattr(module, name), f"{module.__name__}.{name}")

    def test_it_has_a_version(self):
        self.assertRegex(tonio.__version__, r"^\d+\.\d+\.\d+")


if __name__ == "__main__":
    main()
