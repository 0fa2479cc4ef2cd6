"""tonio.from_asyncio() and tonio.to_asyncio(): the border to asyncio, both ways."""

import asyncio
import contextlib
import contextvars
import gc
import subprocess
import threading
import traceback
import unittest
import warnings
import weakref

import tonio
from libraries import library
from programs import TONIO, Program, run_program
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError


def functions(failure):
    """The names of the functions in its traceback, the outermost first."""
    return [frame.name for frame in traceback.extract_tb(failure.__traceback__)]


class FromAsyncio(Scenarios):
    options = {"threads": 2}

    def test_a_result(self):
        async def add_one(x):
            await asyncio.sleep(0.001)
            return x + 1

        self.assertEqual((yield tonio.from_asyncio(add_one(3))), 4)

    def test_it_runs_on_a_thread_of_its_own(self):
        async def where():
            return threading.get_ident()

        self.assertNotEqual((yield tonio.from_asyncio(where())), threading.get_ident())

    def test_an_exception_with_its_traceback(self):
        async def fails():
            await asyncio.sleep(0)
            raise KeyError("over there")

        try:
            yield tonio.from_asyncio(fails())
        except KeyError as failure:
            self.assertEqual(failure.args, ("over there",))
            names = functions(failure)
        self.assertEqual(names[-1], "fails")
        self.assertEqual(names[0], "test_an_exception_with_its_traceback")

    def test_system_exit(self):
        async def leaves():
            raise SystemExit(3)

        with self.assertRaises(SystemExit):
            yield tonio.from_asyncio(leaves())

    def test_several_at_once(self):
        meeting = threading.Barrier(5)

        async def meets(number):
            # Blocks its whole loop, so it takes five of them.
            meeting.wait(30)
            await asyncio.sleep(0)
            return number

        got = yield tonio.spawn(*(tonio.from_asyncio(meets(number)) for number in range(5)))
        self.assertEqual(got, list(range(5)))

    def test_cancellation_goes_in(self):
        seen = []
        began = tonio.Event()

        async def waits():
            try:
                began.set()
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)
                seen.append("cleaned up")
                raise

        with tonio.scope() as scope:
            scope.spawn(tonio.from_asyncio(waits()))
            yield began.wait()
            scope.cancel()
        yield scope()
        self.assertEqual(seen, ["cleaned up"])

    def test_cancellation_at_any_time(self):
        running = []

        async def waits():
            running.append(1)
            try:
                await asyncio.sleep(60)
            finally:
                running.pop()

        for microseconds in range(0, 10_000, 1_000):
            output = yield tonio.time.timeout(tonio.from_asyncio(waits()), microseconds / 1e6)
            self.assertEqual((output, running), ((None, False), []))

    def test_a_call_that_does_not_let_itself_be_cancelled(self):
        began = tonio.Event()

        async def insists():
            began.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                return "nevertheless"

        @self.task
        def calls():
            got.append((yield tonio.from_asyncio(insists())))

        got = []
        with tonio.scope() as scope:
            scope.spawn(calls())
            yield began.wait()
            scope.cancel()
        yield scope()
        self.assertEqual(got, ["nevertheless"])

    def test_one_that_cancels_itself(self):
        async def gives_up():
            asyncio.current_task().cancel()
            await asyncio.sleep(60)

        with self.assertRaisesRegex(CancelledError, "the asyncio coroutine was cancelled"):
            yield tonio.from_asyncio(gives_up())

    def test_an_asyncio_server_and_client(self):
        async def echo(reader, writer):
            writer.write((await reader.readline()).upper())
            writer.close()

        async def talk():
            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            async with server:
                port = server.sockets[0].getsockname()[1]
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"hello\n")
                line = await reader.readline()
                writer.close()
                await writer.wait_closed()
            return line

        self.assertEqual((yield tonio.from_asyncio(talk())), b"HELLO\n")

    def test_the_library_websockets(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            websockets, reason = library("websockets")
        if not websockets:
            self.skipTest(reason)

        async def doubles(socket):
            async for message in socket:
                await socket.send(2 * message)

        async def talk():
            async with websockets.serve(doubles, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                async with websockets.connect(f"ws://127.0.0.1:{port}") as socket:
                    await socket.send("ab")
                    return await socket.recv()

        self.assertEqual((yield tonio.from_asyncio(talk())), "abab")

    def test_back_and_forth(self):
        def innermost(x):
            yield tonio.sleep(0.001)
            if x < 0:
                raise ValueError(x)
            return x + 1

        async def between(x):
            return await tonio.to_asyncio(innermost(x)) * 10

        self.assertEqual((yield tonio.from_asyncio(between(1))), 20)
        try:
            yield tonio.from_asyncio(between(-1))
        except ValueError as failure:
            names = functions(failure)
        self.assertLess(names.index("between"), names.index("innermost"))

    def test_cancellation_goes_through_to_the_innermost(self):
        began, ended = tonio.Event(), []

        def innermost():
            try:
                began.set()
                yield tonio.sleep(60)
            finally:
                yield tonio.sleep(0.001)
                ended.append("innermost")

        async def between():
            try:
                await tonio.to_asyncio(innermost())
            finally:
                ended.append("between")

        with tonio.scope() as scope:
            scope.spawn(tonio.from_asyncio(between()))
            yield began.wait()
            scope.cancel()
        yield scope()
        self.assertEqual(ended, ["innermost", "between"])

    def test_nonsense(self):
        for wrong in (None, asyncio.sleep, 3):
            with self.assertRaisesRegex(TypeError, r"from_asyncio\(\) takes an awaitable"):
                tonio.from_asyncio(wrong)
        yield


class Contexts(Scenarios):
    options = {"context": True}

    def test_context_variables(self):
        name = contextvars.ContextVar("name")

        async def reads():
            seen = name.get()
            name.set("changed there")
            return seen

        name.set("here")
        self.assertEqual((yield tonio.from_asyncio(reads())), "here")
        self.assertEqual(name.get(), "here")


class ToAsyncio(unittest.TestCase):
    def plain(self):
        def add_one(x):
            yield tonio.sleep(0.001)
            return x + 1

        return add_one

    def test_a_result(self):
        async def add_one(x):
            await tonio.sleep(0.001)
            return x + 1

        for function in (self.plain(), add_one):
            self.assertEqual(asyncio.run(tonio.to_asyncio(function(3))), 4)

    def test_an_operation(self):
        self.assertIsNone(asyncio.run(tonio.to_asyncio(tonio.sleep(0))))

    def test_the_loop_goes_on_meanwhile(self):
        async def both():
            over = tonio.Event()
            waiting = asyncio.create_task(tonio.to_asyncio(over.wait()))
            for _ in range(10):
                await asyncio.sleep(0)
            self.assertFalse(waiting.done())
            over.set()
            await waiting

        asyncio.run(both())

    def test_several_at_once(self):
        async def many():
            return await asyncio.gather(*(tonio.to_asyncio(self.plain()(x)) for x in range(100)))

        self.assertEqual(asyncio.run(many()), list(range(1, 101)))

    def test_several_loops_at_once(self):
        got = []

        def loop():
            got.append(asyncio.run(tonio.to_asyncio(self.plain()(1))))

        threads = [threading.Thread(target=loop) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(got, [2] * 4)

    def test_an_exception_with_its_traceback(self):
        def fails():
            yield
            raise KeyError("over there")

        async def catches():
            try:
                await tonio.to_asyncio(fails())
            except KeyError as failure:
                return functions(failure)

        names = asyncio.run(catches())
        self.assertEqual((names[0], names[-1]), ("catches", "fails"))

    def test_system_exit_ends_the_loop_only(self):
        def leaves():
            yield
            raise SystemExit(3)

        with self.assertRaises(SystemExit):
            asyncio.run(tonio.to_asyncio(leaves()))

    def test_cancellation_goes_in(self):
        async def cancels(swallow):
            began, seen = tonio.Event(), []

            def waits():
                try:
                    began.set()
                    yield tonio.sleep(60)
                except CancelledError:
                    yield tonio.sleep(0.001)
                    seen.append("cleaned up")
                    if not swallow:
                        raise
                return "nevertheless"

            task = asyncio.create_task(tonio.to_asyncio(waits()))
            await tonio.to_asyncio(began.wait())
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()  # no hurry
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            self.assertEqual(seen, ["cleaned up"])
            return outcome

        self.assertIsInstance(asyncio.run(cancels(False)), asyncio.CancelledError)
        self.assertEqual(asyncio.run(cancels(True)), "nevertheless")

    def test_cancellation_at_any_time(self):
        async def cancels():
            for steps in range(20):
                task = asyncio.create_task(tonio.to_asyncio(tonio.sleep(60)))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task

        asyncio.run(cancels())
        # The last worker may still be taking leave.
        while tonio.tasks():
            pass

    def test_a_time_limit_of_asyncio(self):
        async def limited():
            async with asyncio.timeout(0.01):
                await tonio.to_asyncio(tonio.sleep(60))

        with self.assertRaises(TimeoutError):
            asyncio.run(limited())

    def test_a_coroutine_that_a_run_cancels(self):
        async def waits(began):
            with contextlib.suppress(asyncio.CancelledError):
                began.set()
                await tonio.to_asyncio(tonio.Event().wait())
                return "not cancelled"
            return "cancelled"

        def program():
            began = tonio.Event()

            def loop():
                outcomes.append(asyncio.run(waits(began)))

            thread = threading.Thread(target=loop)
            thread.start()
            yield began.wait()
            while not any(task.waits_on == "tonio.EventWait" for task in tonio.tasks()):
                yield tonio.sleep(0.001)
            return thread

        outcomes = []
        tonio.run(program()).join(30)
        self.assertEqual(outcomes, ["cancelled"])

    def test_a_coroutine_that_a_run_cancels_before_it_begins(self):
        called = threading.Event()
        outcomes = []

        async def calls():
            call = asyncio.create_task(tonio.to_asyncio(tonio.Event().wait()))
            await asyncio.sleep(0)
            called.set()
            outcomes.extend(await asyncio.gather(call, return_exceptions=True))

        thread = threading.Thread(target=lambda: asyncio.run(calls()))

        def program():
            thread.start()
            called.wait(30)  # keeps the one worker
            yield from ()

        tonio.run(program(), threads=1)
        thread.join(30)
        self.assertIsInstance(outcomes[0], asyncio.CancelledError)

    def test_nothing_is_kept(self):
        class Thing:
            pass

        thing = Thing()
        gone = weakref.ref(thing)

        async def gives(thing):
            await tonio.sleep(0)
            raise ValueError(thing)

        async def takes(thing):
            with contextlib.suppress(ValueError):
                await tonio.to_asyncio(gives(thing))

        asyncio.run(takes(thing))
        del thing
        # The worker's last steps in its task may still be under way.
        while gone() is not None:
            gc.collect()

    def test_nonsense(self):
        with self.assertRaises(TypeError):
            asyncio.run(tonio.to_asyncio(3))

    def test_a_loop_on_a_worker_is_refused(self):
        # With one worker it would wait for what only that worker could do.
        async def calls():
            return await tonio.to_asyncio(tonio.sleep(0))

        def main():
            yield
            asyncio.run(calls())

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the operation was never awaited
            with self.assertRaisesRegex(RuntimeError, r"tonio\.to_asyncio\(\) can't be used"):
                tonio.run(main(), threads=1)


class Untouched(Scenarios):
    """asyncio itself works as ever."""

    async def gives(self):
        await asyncio.sleep(0.001)
        return threading.get_ident()

    def test_in_a_blocking_call(self):
        def call():
            return asyncio.run(self.gives()), threading.get_ident()

        first, second = yield tonio.spawn_blocking(call)
        self.assertEqual(first, second)

    def test_in_a_plain_thread(self):
        got = []
        thread = threading.Thread(target=lambda: got.append(asyncio.run(self.gives())))
        thread.start()
        yield tonio.spawn_blocking(thread.join)
        self.assertEqual(got, [thread.ident])

    def test_on_the_main_thread(self):
        done = run_program("""
            import asyncio

            async def child():
                process = await asyncio.create_subprocess_exec("true")
                return await process.wait()

            async def program():
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(asyncio.sleep(0.001, number)) for number in range(3)]
                    tasks.append(group.create_task(child()))
                    tasks.append(group.create_task(asyncio.to_thread(int, "7")))
                print([task.result() for task in tasks])

            asyncio.run(program())
        """)
        self.assertEqual((done.code, done.out, done.err), (0, "[0, 1, 2, 0, 7]\n", ""))


class Programs(unittest.TestCase):
    def test_ctrl_c_in_asyncio_reaches_the_tonio_coroutine(self):
        with Program("""
            import asyncio, tonio

            def waits():
                try:
                    print("ready", flush=True)
                    yield tonio.sleep(60)
                finally:
                    yield tonio.sleep(0.001)
                    print("cleaned up", flush=True)

            try:
                asyncio.run(tonio.to_asyncio(waits()))
            except KeyboardInterrupt:
                print("interrupted")
        """) as program:
            self.assertEqual(program.line(), "ready")
            program.signal()
            done = program.end()
        self.assertEqual((done.code, done.out, done.err), (0, "cleaned up\ninterrupted\n", ""))

    def test_ctrl_c_in_tonio_reaches_the_asyncio_coroutine(self):
        with Program("""
            import asyncio, tonio

            async def waits():
                try:
                    print("ready", flush=True)
                    await asyncio.sleep(60)
                finally:
                    await asyncio.sleep(0.001)
                    print("cleaned up", flush=True)

            def main():
                yield tonio.from_asyncio(waits())
        """) as program:
            self.assertEqual(program.line(), "ready")
            program.signal()
            done = program.end()
        self.assertEqual((done.code, done.out), (130, "cleaned up\n"))

    def test_a_plain_python_starts_the_runtime(self):
        text = (
            "import asyncio, tonio\n"
            "async def add_one(x):\n"
            "    await tonio.sleep(0.001)\n"
            "    return x + 1\n"
            "print(asyncio.run(tonio.to_asyncio(add_one(3))))\n"
        )
        done = subprocess.run([TONIO, "-c", text], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "4\n", ""))

    def test_it_is_not_loaded_for_nothing(self):
        done = run_program("""
            import sys, tonio
            print("asyncio" in sys.modules)
        """)
        self.assertEqual(done.out, "False\n")


if __name__ == "__main__":
    main()
