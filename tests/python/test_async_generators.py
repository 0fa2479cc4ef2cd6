"""Asynchronous generators that are left early are closed, and may suspend in that."""

import contextlib
import gc
import unittest

import tonio
from programs import run_program
from scenarios import main


class AsyncGenerators(unittest.TestCase):
    def setUp(self):
        self.closed = []

    async def numbers(self, name="numbers"):
        try:
            for number in range(5):
                await tonio.sleep(0)
                yield number
        finally:
            await tonio.sleep(0.01)
            self.closed.append(name)

    def test_leaving_two_loops_early(self):
        async def program():
            async for _ in self.numbers("first"):
                break
            async for _ in self.numbers("second"):
                break
            while len(self.closed) < 2:
                await tonio.sleep(0.001)

        tonio.run(program())
        self.assertEqual(sorted(self.closed), ["first", "second"])

    def test_one_left_right_before_the_end(self):
        async def program():
            async for _ in self.numbers():
                break
            return "left"

        self.assertEqual(tonio.run(program()), "left")
        self.assertEqual(self.closed, ["numbers"])

    def test_one_that_is_open_at_the_end(self):
        async def program():
            self.open = self.numbers()
            return await anext(self.open)

        self.assertEqual(tonio.run(program()), 0)
        self.assertEqual(self.closed, ["numbers"])
        tonio.run(tonio.sleep(0))
        self.assertEqual(self.closed, ["numbers"])

    def test_one_that_a_cancelled_task_iterates(self):
        waits = tonio.Event()

        async def iterates():
            async for _ in self.numbers():
                waits.set()
                await tonio.Event().wait()

        async def program():
            tonio.spawn.without_tracking(iterates())
            await waits.wait()

        for _ in range(20):
            self.closed.clear()
            waits.clear()
            tonio.run(program())
            self.assertEqual(self.closed, ["numbers"])

    def test_one_in_a_cycle(self):
        async def program():
            cycle = [self.numbers()]
            cycle.append(cycle)
            await anext(cycle[0])
            del cycle
            gc.collect()
            while not self.closed:
                await tonio.sleep(0.001)

        tonio.run(program())

    def test_those_that_end_or_are_closed_are_closed_once(self):
        async def program():
            async for _ in self.numbers("all"):
                pass
            async with contextlib.aclosing(self.numbers("closing")) as numbers:
                await anext(numbers)

        tonio.run(program())
        self.assertEqual(self.closed, ["all", "closing"])

    def test_many_in_many_tasks(self):
        async def leaves():
            async for _ in self.numbers():
                break

        async def program():
            for _ in range(20):
                await tonio.spawn(*[leaves() for _ in range(50)])

        tonio.run(program())
        self.assertEqual(len(self.closed), 1000)


class Programs(unittest.TestCase):
    def test_a_failing_finally_is_reported(self):
        done = run_program("""
            async def numbers():
                try:
                    yield 1
                finally:
                    raise ValueError("in the finally")

            async def main():
                async for _ in numbers():
                    break
        """)
        self.assertEqual(done.code, 0)
        self.assertIn("ValueError: in the finally", done.err)

    def test_one_that_never_ends_does_not_hold_the_program(self):
        done = run_program(
            """
            import tonio

            async def numbers():
                try:
                    yield 1
                finally:
                    await tonio.Event().wait()

            async def main():
                async for _ in numbers():
                    break
        """,
            "--shutdown-timeout",
            "0.2",
        )
        self.assertEqual(done.code, 0)
        self.assertLess(done.seconds, 20)

    def test_one_whose_clean_up_never_ends_is_named(self):
        program = """
            import tonio

            class Numbers:
                async def below(self, end):
                    try:
                        for number in range(end):
                            yield number
                    finally:
                        await tonio.sleep(3600)

            async def main():
                {kept} = Numbers().below(5)
                await anext({kept})

            kept = [None]
        """
        for workers in ("1", "2", "8"):
            for kept in ("kept[0]", "dropped"):
                done = run_program(
                    program.format(kept=kept), "--threads", workers, "--shutdown-timeout", "0.05"
                )
                self.assertEqual((done.code, done.out), (0, ""), done.err)
                self.assertRegex(
                    done.err, r"tonio: tasks that would not stop:\n  task Numbers\.below\b"
                )

    def test_one_that_is_dropped_after_the_end_of_the_runtime(self):
        done = run_program("""
            import tonio

            async def numbers():
                try:
                    yield 1
                finally:
                    print("closed", flush=True)

            async def program():
                global kept
                kept = numbers()
                await anext(kept)

            tonio.runtime().run_until_complete(program())
        """)
        self.assertEqual((done.code, done.out, done.err), (0, "closed\n", ""))


if __name__ == "__main__":
    main()
