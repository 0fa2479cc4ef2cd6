"""tonio.from_trio() and tonio.to_trio(): the border to trio, both ways."""

import contextvars
import sys
import threading
import traceback
import unittest
from unittest import mock

import tonio
from libraries import library, python_path
from programs import Program
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError

trio, REASON = library("trio")
needs_trio = unittest.skipUnless(trio, REASON)


def functions(failure):
    """The names of the functions in its traceback, the outermost first."""
    return [frame.name for frame in traceback.extract_tb(failure.__traceback__)]


@needs_trio
class FromTrio(Scenarios):
    options = {"threads": 2}

    def test_a_result(self):
        async def add_one(x):
            await trio.sleep(0.001)
            return x + 1

        self.assertEqual((yield tonio.from_trio(add_one(3))), 4)

    def test_an_exception_with_its_traceback(self):
        async def fails():
            await trio.lowlevel.checkpoint()
            raise KeyError("over there")

        try:
            yield tonio.from_trio(fails())
        except KeyError as failure:
            names = functions(failure)
        self.assertEqual(names[-1], "fails")
        self.assertEqual(names[0], "test_an_exception_with_its_traceback")

    def test_several_at_once(self):
        meeting = threading.Barrier(5)

        async def meets(number):
            meeting.wait(30)
            await trio.lowlevel.checkpoint()
            return number

        got = yield tonio.spawn(*(tonio.from_trio(meets(number)) for number in range(5)))
        self.assertEqual(got, list(range(5)))

    def test_cancellation_goes_in(self):
        began, seen = tonio.Event(), []

        async def waits():
            try:
                began.set()
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(0.01)
                seen.append("cleaned up")

        with tonio.scope() as scope:
            scope.spawn(tonio.from_trio(waits()))
            yield began.wait()
            scope.cancel()
        yield scope()
        self.assertEqual(seen, ["cleaned up"])

    def test_cancellation_at_any_time(self):
        for microseconds in range(0, 10_000, 1_000):
            output = yield tonio.time.timeout(
                tonio.from_trio(trio.sleep_forever()), microseconds / 1e6
            )
            self.assertEqual(output, (None, False))

    def test_context_variables(self):
        name = contextvars.ContextVar("name")

        async def reads():
            return name.get()

        name.set("here")
        self.assertEqual((yield tonio.from_trio(reads())), "here")

    def test_back_and_forth(self):
        def innermost(x):
            yield tonio.sleep(0.001)
            return x + 1

        async def between(x):
            return await tonio.to_trio(innermost(x)) * 10

        self.assertEqual((yield tonio.from_trio(between(1))), 20)


@needs_trio
class ToTrio(unittest.TestCase):
    def test_a_result(self):
        def plain(x):
            yield tonio.sleep(0.001)
            return x + 1

        async def colored(x):
            await tonio.sleep(0.001)
            return x + 1

        for function in (plain, colored):
            self.assertEqual(trio.run(tonio.to_trio, function(3)), 4)

    def test_an_exception_with_its_traceback(self):
        def fails():
            yield
            raise KeyError("over there")

        async def catches():
            try:
                await tonio.to_trio(fails())
            except KeyError as failure:
                return functions(failure)

        names = trio.run(catches)
        self.assertEqual((names[0], names[-1]), ("catches", "fails"))

    def test_several_at_once(self):
        got = []

        async def one(number):
            await tonio.to_trio(tonio.sleep(0.001))
            got.append(number)

        async def many():
            async with trio.open_nursery() as nursery:
                for number in range(50):
                    nursery.start_soon(one, number)

        trio.run(many)
        self.assertEqual(sorted(got), list(range(50)))

    def test_cancellation_goes_in(self):
        seen = []

        def waits():
            try:
                yield tonio.sleep(60)
            finally:
                yield tonio.sleep(0.001)
                seen.append("cleaned up")

        async def cancels():
            with trio.move_on_after(0.02) as limit:
                await tonio.to_trio(waits())
            return limit.cancelled_caught

        self.assertTrue(trio.run(cancels))
        self.assertEqual(seen, ["cleaned up"])

    def test_one_that_does_not_let_itself_be_cancelled(self):
        def insists():
            try:
                yield tonio.sleep(60)
            except CancelledError:
                return "nevertheless"

        async def cancels():
            with trio.move_on_after(0.02):
                return await tonio.to_trio(insists())

        self.assertEqual(trio.run(cancels), "nevertheless")

    def test_ctrl_c_in_tonio_reaches_the_trio_coroutine(self):
        with Program(
            """
            import tonio, trio

            async def waits():
                try:
                    print("ready", flush=True)
                    await trio.sleep_forever()
                finally:
                    print("cleaned up", flush=True)

            def main():
                yield tonio.from_trio(waits())
            """,
            environment={"PYTHONPATH": python_path()},
        ) as program:
            self.assertEqual(program.line(), "ready")
            program.signal()
            done = program.end()
        self.assertEqual((done.code, done.out), (130, "cleaned up\n"))


class Mistakes(Scenarios):
    def test_an_environment_without_trio(self):
        async def nothing():
            pass

        with mock.patch.dict(sys.modules, trio=None):
            coroutine = nothing()
            with self.assertRaisesRegex(ImportError, r"from_trio\(\) needs the package trio"):
                yield tonio.from_trio(coroutine)
            coroutine.close()

    def test_nonsense(self):
        for wrong in (None, print, 3):
            with self.assertRaisesRegex(TypeError, r"from_trio\(\) takes a trio coroutine"):
                tonio.from_trio(wrong)
        yield


if __name__ == "__main__":
    main()
