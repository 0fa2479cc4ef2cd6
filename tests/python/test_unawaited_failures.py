"""A failure that nobody awaits is reported: traceback and spawning place, on standard
error."""

import unittest

from programs import run_program
from scenarios import main

PROGRAM = """
    import tonio

    def fails():
        yield
        raise ValueError("lost")

    def starts():
        {spawn}

    def main():
        yield
        starts()
        yield tonio.sleep(0.05)
        print("goes on")
"""


class UnawaitedFailures(unittest.TestCase):
    def check_report(self, spawn, what="task"):
        done = run_program(PROGRAM.format(spawn=spawn))
        self.assertEqual((done.code, done.out), (0, "goes on\n"), done.err)
        first, *rest = done.err.splitlines()
        self.assertRegex(first, f"^tonio: a {what} failed and nobody awaited it; it was spawned at ")
        self.assertRegex(first, r"program\.py:9 in starts$")
        self.assertEqual(rest[0], "Traceback (most recent call last):")
        self.assertIn('raise ValueError("lost")', done.err)
        self.assertEqual(rest[-1], "ValueError: lost")
        self.assertEqual(done.err.count("ValueError: lost"), 1)

    def test_of_a_dropped_handle(self):
        self.check_report("tonio.spawn(fails())")

    def test_of_one_among_several(self):
        self.check_report("tonio.spawn(fails(), tonio.sleep(0))")

    def test_of_an_untracked_task(self):
        self.check_report("tonio.spawn.without_tracking(fails())")

    def test_of_what_is_yielded_in_a_set_or_list(self):
        for spawned in ("{fails()}", "[fails(), tonio.Event().wait()]"):
            done = run_program(f"""
                import tonio

                def fails():
                    yield
                    raise ValueError("lost")

                def starts():
                    yield tonio.sleep(0)
                    yield {spawned}

                def main():
                    waits = tonio.spawn(starts())
                    yield tonio.sleep(0.05)
            """)
            self.assertRegex(done.err.splitlines()[0], r"program\.py:10 in starts$", done.err)

    def test_reports_of_many_threads_are_not_mixed(self):
        done = run_program("""
            import tonio

            begun = []

            def fails(number):
                yield
                begun.append(number)
                raise ValueError(number)

            def main():
                tonio.spawn.without_tracking(*[fails(number) for number in range(200)])
                while len(begun) < 200:
                    yield tonio.sleep(0.001)
        """)
        reports = done.err.split("tonio: a task failed")[1:]
        self.assertEqual(len(reports), 200)
        for report in reports:
            self.assertRegex(
                report, r"\A[^\n]* in main\nTraceback [^\n]*\n(  [^\n]*\n)+ValueError: \d+\n\Z"
            )

    def test_of_a_handle_kept_until_the_task_has_ended(self):
        done = run_program("""
            import tonio

            async def fails():
                raise ValueError("kept")

            async def main():
                handle = tonio.spawn(fails())
                await tonio.sleep(0.05)
                del handle
                print("goes on")
        """)
        self.assertEqual((done.code, done.out), (0, "goes on\n"))
        self.assertIn("ValueError: kept", done.err)

    def test_of_a_task_of_a_yielded_set(self):
        done = run_program("""
            import tonio

            def fails():
                yield
                raise ValueError("in a set")

            def main():
                yield {fails()}
                yield tonio.sleep(0.05)
        """)
        self.assertEqual(done.code, 0)
        self.assertIn("ValueError: in a set", done.err)

    def test_of_a_blocking_call(self):
        done = run_program("""
            import tonio

            def fails():
                raise ValueError("lost call")

            def main():
                tonio.spawn_blocking(fails)
                yield tonio.sleep(0.2)
        """)
        self.assertEqual(done.code, 0)
        self.assertIn("tonio: a blocking call failed and nobody awaited it", done.err)
        self.assertIn("ValueError: lost call", done.err)

    def check_in_a_cycle(self, starts):
        done = run_program(f"""
            import gc, tonio

            class Box:
                pass

            def fails(box):
                error = OSError(1, "cyclic garbage")
                error.box = box
                raise error

            def fails_in_a_task(box):
                yield
                fails(box)

            def main():
                box = Box()
                box.waits = {starts}
                yield tonio.sleep(0.1)
                del box
                gc.collect()
                print("goes on")
        """)
        self.assertEqual((done.code, done.out), (0, "goes on\n"), done.err)
        self.assertIn("PermissionError: [Errno 1] cyclic garbage", done.err)

    def test_of_a_call_that_the_collector_frees(self):
        self.check_in_a_cycle("tonio.spawn_blocking(fails, box)")

    def test_of_a_task_that_the_collector_frees(self):
        self.check_in_a_cycle("tonio.spawn(fails_in_a_task(box))")

    def test_an_awaited_failure_is_not_reported(self):
        done = run_program("""
            import tonio

            async def fails():
                raise ValueError("seen")

            async def main():
                handle = tonio.spawn(fails())
                try:
                    await handle
                except* ValueError:
                    print("caught")
        """)
        self.assertEqual((done.code, done.out, done.err), (0, "caught\n", ""))

    def test_an_exit_out_of_a_task_is_not_reported(self):
        done = run_program("""
            import sys, tonio

            async def leaves():
                sys.exit(9)

            async def main():
                tonio.spawn(leaves())
                await tonio.Event().wait()
        """)
        self.assertEqual((done.code, done.out, done.err), (9, "", ""))


if __name__ == "__main__":
    main()
