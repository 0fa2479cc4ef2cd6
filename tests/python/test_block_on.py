"""tonio.block_on(): from any thread that is no worker."""

import signal
import threading
import unittest

import tonio
from programs import Program, run_program
from scenarios import Scenarios, main


def gives(value):
    yield tonio.sleep(0.0005)
    return value


def fails():
    yield
    raise ValueError("blocked on")


def on_a_thread(function):
    results = []

    def work():
        try:
            results.append(function())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    return results[0]


class BlockOn(unittest.TestCase):
    def test_from_the_main_thread(self):
        self.assertEqual(tonio.block_on(gives(1)), 1)
        with self.assertRaisesRegex(ValueError, "blocked on"):
            tonio.block_on(fails())

    def test_from_a_thread_without_a_run(self):
        self.assertEqual(on_a_thread(lambda: tonio.block_on(gives(2))), 2)

    def test_takes_any_awaitable(self):
        async def coroutine():
            return 3

        self.assertEqual(tonio.block_on(coroutine()), 3)
        self.assertIsNone(tonio.block_on(tonio.sleep(0)))
        self.assertEqual(tonio.block_on(tonio.spawn(gives(1), gives(2))), [1, 2])

    def test_takes_one_only(self):
        for arguments in [(), (gives(1), gives(2)), (None,), (gives,)]:
            with self.assertRaises(TypeError):
                tonio.block_on(*arguments)

    def test_base_exceptions_come_out(self):
        def leaves():
            yield
            raise SystemExit(5)

        with self.assertRaises(SystemExit):
            tonio.block_on(leaves())


    def test_a_thread_that_keeps_an_exit_keeps_it(self):
        """The end of the program, and the next run, do not raise it as well."""
        done = run_program("""
            import sys, threading, tonio

            def leaves():
                yield
                sys.exit(3)

            def work():
                try:
                    tonio.block_on(leaves())
                except SystemExit as exit:
                    print("caught", exit.code, flush=True)

            def runs():
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()

            runs()
            tonio.run(tonio.sleep(0))
            runs()
        """)
        self.assertEqual((done.code, done.out, done.err), (0, "caught 3\n" * 2, ""))


class BlockOnDuringARun(Scenarios):
    options = {"threads": 2}

    def test_from_the_blocking_pool(self):
        def call(value):
            return tonio.block_on(gives(value))

        self.assertEqual((yield tonio.map_blocking(call, range(20))), list(range(20)))

    def test_from_threads(self):
        def both():
            return on_a_thread(lambda: tonio.block_on(gives(1))), \
                on_a_thread(lambda: tonio.block_on(fails()))

        result, error = yield tonio.spawn_blocking(both)
        self.assertEqual(result, 1)
        self.assertIsInstance(error, ValueError)

    def test_from_a_worker_is_refused(self):
        coroutine = gives(1)
        with self.assertRaisesRegex(RuntimeError, r"tonio\.block_on\(\) can't be used inside"):
            tonio.block_on(coroutine)
        self.assertEqual((yield coroutine), 1)

    def test_of_a_handle_of_the_run(self):
        handle = tonio.spawn(gives(7))
        self.assertEqual((yield tonio.spawn_blocking(tonio.block_on, handle)), 7)


BESIDE_A_RUN = """
    import threading, time, tonio

    over = tonio.Event()

    def other():
        yield over.wait()
        print("other goes on", flush=True)

    def waits():
        try:
            print("ready", flush=True)
            yield tonio.sleep(3600)
        finally:
            yield tonio.sleep(0.01)
            print("finally", flush=True)

    threading.Thread(target=lambda: tonio.run(other())).start()
    time.sleep(0.2)
    try:
        tonio.block_on(waits())
    except BaseException as error:
        print(type(error).__name__, time.process_time() < 5, flush=True)
    over.set()
"""


class BesideARunOfAnotherThread(unittest.TestCase):
    def send(self, number, result):
        with Program(BESIDE_A_RUN) as program:
            self.assertEqual(program.line(), "ready")
            program.signal(number)
            self.assertEqual(program.line(), "finally")
            self.assertEqual(program.line(), result)
            self.assertEqual(program.line(), "other goes on")
            self.assertEqual(program.end().code, 0)

    def test_ctrl_c_ends_the_wait(self):
        self.send(signal.SIGINT, "KeyboardInterrupt True")

    def test_sigterm_ends_the_wait(self):
        self.send(signal.SIGTERM, "SystemExit True")


if __name__ == "__main__":
    main()
