"""tonio.run(): results, exceptions, options, use again and again."""

import threading
import traceback
import unittest

import tonio
from scenarios import Scenarios, main
from tonio.exceptions import RuntimeAlreadyInitializedError


def gives(value):
    yield
    return value


def raises(exception):
    yield
    raise exception


class AnAwaitable:
    def __await__(self):
        yield from tonio.sleep(0)
        return "awaited"


class Run(unittest.TestCase):
    def test_gives_the_result_of_a_generator(self):
        self.assertEqual(tonio.run(gives(1)), 1)

    def test_gives_the_result_of_a_coroutine(self):
        async def coroutine():
            await tonio.sleep(0)
            return 2

        self.assertEqual(tonio.run(coroutine()), 2)

    def test_gives_the_result_of_other_awaitables(self):
        self.assertEqual(tonio.run(AnAwaitable()), "awaited")
        self.assertIsNone(tonio.run(tonio.sleep(0)))

    def test_again_and_again(self):
        self.assertEqual([tonio.run(gives(i)) for i in range(200)], list(range(200)))

    def test_with_any_number_of_threads_in_turn(self):
        def others():
            return (yield [gives(i) for i in range(50)])

        for threads in (1, 8, 2, 64, 1):
            self.assertEqual(tonio.run(others(), threads=threads), list(range(50)))

    def test_runs_on_a_worker(self):
        def where():
            yield
            return threading.current_thread() is not threading.main_thread()

        self.assertTrue(tonio.run(where()))

    def test_blocks_until_done(self):
        done = []

        def slow():
            yield tonio.sleep(0.05)
            done.append(True)

        tonio.run(slow())
        self.assertEqual(done, [True])


class RunFails(unittest.TestCase):
    def test_exceptions_come_out_as_they_are(self):
        for exception in (ValueError("x"), OSError(2, "y"), StopAsyncIteration("z")):
            with self.assertRaises(type(exception)) as caught:
                tonio.run(raises(exception))
            self.assertIs(caught.exception, exception)

    def test_base_exceptions_come_out(self):
        class Odd(BaseException):
            pass

        for exception in (KeyboardInterrupt("k"), SystemExit(3), Odd("o"), GeneratorExit("g")):
            with self.assertRaises(type(exception)) as caught:
                tonio.run(raises(exception))
            self.assertIs(caught.exception, exception)
        self.assertEqual(tonio.run(gives("still works")), "still works")

    def test_the_traceback_shows_the_line(self):
        try:
            tonio.run(divides())
        except ZeroDivisionError as error:
            names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        self.assertEqual(names[-2:], ["divides", "divides_deeper"])

    def test_system_exit_in_a_spawned_task_ends_the_run(self):
        cleaned_up = []

        def waits():
            try:
                yield tonio.Event().wait()
            finally:
                yield
                cleaned_up.append(True)

        def program():
            tonio.spawn(raises(SystemExit(7)))
            yield waits()

        with self.assertRaises(SystemExit) as caught:
            tonio.run(program())
        self.assertEqual(caught.exception.code, 7)
        self.assertEqual(cleaned_up, [True])

    def test_keyboard_interrupt_in_a_spawned_task_ends_the_run(self):
        def program():
            tonio.spawn(raises(KeyboardInterrupt()))
            yield tonio.Event().wait()

        with self.assertRaises(KeyboardInterrupt):
            tonio.run(program())

    def test_what_is_no_coroutine_is_refused(self):
        for nonsense in (None, 5, "text", gives, [gives]):
            with self.assertRaisesRegex(TypeError, r"tonio\.run\(\) takes a generator"):
                tonio.run(nonsense)
        with self.assertRaisesRegex(TypeError, "call the function"):
            tonio.run(gives)

        async def both():
            yield

        with self.assertRaisesRegex(TypeError, "write `await` for `yield`"):
            tonio.run(both())
        with self.assertRaisesRegex(TypeError, "as a function gives with `yield` in it"):
            tonio.run(None)

    def test_a_used_up_coroutine_is_refused(self):
        async def coroutine():
            return 1

        used = coroutine()
        tonio.run(used)
        with self.assertRaisesRegex(RuntimeError, "has been run already"):
            tonio.run(used)

    def test_bad_options_are_refused(self):
        bad = [
            (ValueError, {"threads": 0}),
            (ValueError, {"threads": -1}),
            (TypeError, {"threads": 1.5}),
            (TypeError, {"threads": "2"}),
            (ValueError, {"blocking_threadpool_size": 0}),
            (ValueError, {"blocking_threadpool_idle_ttl": -1}),
            (ValueError, {"blocking_threadpool_idle_ttl": float("nan")}),
            (TypeError, {"blocking_threadpool_idle_ttl": "soon"}),
            (TypeError, {"context": gives(1)}),  # tonio.run(one(), two())
        ]
        for error, options in bad:
            (name,) = options
            coroutine = gives(1)
            with self.assertRaisesRegex(error, name, msg=str(options)):
                tonio.run(coroutine, **options)
            coroutine.close()
        with self.assertRaises(TypeError):
            tonio.run(gives(1), nonsense=True)
        for options in (
            {"threads": True},
            {"blocking_threadpool_size": True},
            {"blocking_threadpool_idle_ttl": True},
        ):
            with self.assertRaises(TypeError):
                tonio.run(gives(1), **options)
        for options in ({"threads": 1025}, {"blocking_threadpool_size": 65_537}):
            with self.assertRaises(ValueError):
                tonio.run(gives(1), **options)


def divides():
    yield
    yield divides_deeper()


def divides_deeper():
    yield
    1 / 0


class RunWithinARun(Scenarios):
    def test_run_in_a_task_is_refused(self):
        inner = gives(1)
        with self.assertRaisesRegex(RuntimeError, "inside a coroutine"):
            tonio.run(inner)
        self.assertEqual((yield inner), 1)

    def test_run_in_another_thread_is_refused(self):
        def run():
            with self.assertRaises(RuntimeAlreadyInitializedError) as caught:
                tonio.run(gives(1))
            return str(caught.exception)

        self.assertIn("block_on", (yield tonio.spawn_blocking(run)))


class RunOptions(unittest.TestCase):
    def test_threads_bounds_the_workers(self):
        def name_of_thread(names):
            for _ in range(100):
                names.add(threading.get_ident())
                yield

        for threads in (1, 3):
            names = set()
            self.run_all([name_of_thread(names) for _ in range(20)], threads)
            self.assertLessEqual(len(names), threads)

    def run_all(self, coros, threads):
        def together():
            yield coros

        tonio.run(together(), threads=threads)


if __name__ == "__main__":
    main()
