"""Tasks that are left when a run ends get CancelledError and run their finally blocks."""

import unittest

import tonio
from programs import run_program
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError
from tonio.net import socket


class Leftovers(unittest.TestCase):
    """Each test runs a program that ends while a task of its own is suspended."""

    def end_while(self, left, threads=2):
        """Gives what the task wrote down, once the run is over."""
        notes = []
        started = tonio.Event()

        def program():
            tonio.spawn.without_tracking(left(notes, started))
            yield started.wait()
            # So that it is suspended, not only started.
            yield tonio.sleep(0.005)

        tonio.run(program(), threads=threads)
        return notes

    def test_get_cancelled_error_where_they_wait(self):
        pair = socket.socketpair()
        waits = {
            "event": lambda: tonio.Event().wait(),
            "event with a timeout": lambda: tonio.Event().wait(3600),
            "sleep": lambda: tonio.sleep(3600),
            "handle": lambda: tonio.spawn(tonio.Event().wait()),
            "socket": lambda: pair[0].recv(1),
            "list": lambda: [tonio.sleep(3600), tonio.Event().wait()],
        }
        for name, wait in waits.items():
            def left(notes, started, wait=wait):
                started.set()
                try:
                    yield wait()
                except CancelledError:
                    notes.append("cancelled")
                    raise

            async def left_async(notes, started, wait=wait):
                started.set()
                try:
                    await wait()
                except CancelledError:
                    notes.append("cancelled")
                    raise

            with self.subTest(name):
                self.assertEqual(self.end_while(left), ["cancelled"])
                if name != "list":
                    self.assertEqual(self.end_while(left_async), ["cancelled"])
        for end in pair:
            end.close()

    def test_finally_blocks_may_suspend(self):
        async def left(notes, started):
            try:
                started.set()
                await tonio.Event().wait()
            finally:
                await tonio.sleep(0.01)
                notes.append("slept")
                notes.append(await tonio.spawn_blocking(len, "abc"))
                notes.append(await tonio.spawn(tonio.sleep(0)))

        self.assertEqual(self.end_while(left), ["slept", 3, None])

    def test_every_coroutine_of_a_task_cleans_up(self):
        def left(notes, started):
            try:
                yield middle(notes, started)
            finally:
                notes.append("outer")

        async def middle(notes, started):
            try:
                await tonio.spawn(inner(notes, started))
            finally:
                notes.append("middle")

        def inner(notes, started):
            try:
                started.set()
                yield tonio.Event().wait()
            finally:
                notes.append("inner")

        self.assertEqual(sorted(self.end_while(left)), ["inner", "middle", "outer"])

    def test_endless_giving_way_ends(self):
        def left(notes, started):
            started.set()
            try:
                while True:
                    yield
            finally:
                notes.append("ended")

        for threads in (1, 2):
            self.assertEqual(self.end_while(left, threads), ["ended"])

    def test_endless_ready_operations_end(self):
        def left(notes, started):
            started.set()
            try:
                while True:
                    yield started.wait()
            finally:
                notes.append("ended")

        for threads in (1, 2):
            self.assertEqual(self.end_while(left, threads), ["ended"])

    def test_one_that_suppresses_it_goes_on_to_its_end(self):
        def left(notes, started):
            started.set()
            try:
                yield tonio.Event().wait()
            except CancelledError:
                notes.append("suppressed")
            yield tonio.sleep(0.005)
            notes.append("ended")

        self.assertEqual(self.end_while(left), ["suppressed", "ended"])

    def test_what_they_start_while_they_end_is_waited_for(self):
        def cleans_up(notes):
            yield tonio.sleep(0.005)
            notes.append("cleaned up")

        def left(notes, started):
            started.set()
            try:
                yield tonio.Event().wait()
            finally:
                yield tonio.spawn(cleans_up(notes))

        self.assertEqual(self.end_while(left), ["cleaned up"])

    def test_a_task_that_has_not_begun_is_closed(self):
        ran = []

        def left():
            ran.append(True)
            yield tonio.Event().wait()

        def program():
            tonio.spawn.without_tracking(*[left() for _ in range(1000)])
            yield

        tonio.run(program(), threads=1)
        # Some have begun, some have not; all have ended, and no warning came.
        self.assertLessEqual(len(ran), 1000)

    def test_many(self):
        ended = []
        started = []

        def left():
            started.append(1)
            try:
                yield tonio.Event().wait()
            finally:
                yield
                ended.append(1)

        def program():
            tonio.spawn.without_tracking(*[left() for _ in range(5000)])
            yield tonio.sleep(0.05)

        tonio.run(program(), threads=2)
        self.assertEqual(len(ended), len(started))

    def test_main_s_own_children_after_a_failure(self):
        notes = []

        def child():
            try:
                yield tonio.Event().wait()
            finally:
                notes.append("child")

        def program():
            tonio.spawn(child())
            yield tonio.sleep(0.005)
            raise ValueError("main")

        with self.assertRaisesRegex(ValueError, "main"):
            tonio.run(program())
        self.assertEqual(notes, ["child"])

    def test_failures_in_finally_blocks_are_reported(self):
        done = run_program("""
            import tonio

            async def left(started):
                try:
                    started.set()
                    await tonio.Event().wait()
                finally:
                    raise ValueError("while ending")

            async def main():
                started = tonio.Event()
                tonio.spawn.without_tracking(left(started))
                await started.wait()
                await tonio.sleep(0.005)
        """)
        self.assertEqual(done.code, 0)
        self.assertIn("ValueError: while ending", done.err)


class Stubborn(unittest.TestCase):
    def test_a_task_that_ignores_it_is_named_after_the_timeout(self):
        done = run_program("""
            import tonio

            def stubborn(started):
                started.set()
                while True:
                    try:
                        yield tonio.sleep(3600)
                    except BaseException:
                        pass

            def main():
                started = tonio.Event()
                tonio.spawn.without_tracking(stubborn(started))
                yield started.wait()
                print("main has ended")
        """, "--shutdown-timeout", "0.5")
        self.assertEqual(done.out, "main has ended\n")
        self.assertIn("stubborn", done.err)
        self.assertRegex(done.err, r"spawned at .*program\.py:14 in main")
        self.assertLess(done.seconds, 30)

    def test_a_worker_that_never_comes_back_does_not_hang_the_exit(self):
        done = run_program("""
            import threading, tonio

            def computes(started):
                started.set()
                while True:
                    pass
                yield

            def main():
                started = tonio.Event()
                tonio.spawn.without_tracking(computes(started))
                yield started.wait()
                print("main has ended")
        """, "--shutdown-timeout", "0.5", "--threads", "2")
        self.assertEqual(done.out, "main has ended\n")
        self.assertIn("computes", done.err)
        self.assertLess(done.seconds, 30)

    def test_a_worker_inside_of_a_call_of_c_code_does_not_hang_the_exit(self):
        for ending in ("pass", "raise ValueError('the end')"):
            done = run_program(f"""
                import collections, itertools, tonio

                def computes(started):
                    started.set()
                    collections.deque(itertools.repeat(None), maxlen=0)
                    yield

                def main():
                    started = tonio.Event()
                    tonio.spawn.without_tracking(computes(started))
                    yield started.wait()
                    {ending}
            """, "--shutdown-timeout", "0.5", "--threads", "2")
            self.assertEqual(done.code, 0 if ending == "pass" else 1)
            self.assertIn("task computes", done.err)

    def test_a_blocking_call_in_progress_does_not_hang_the_exit(self):
        done = run_program("""
            import threading, time, tonio

            inside = threading.Event()

            def call():
                inside.set()
                time.sleep(3600)

            def main():
                tonio.spawn_blocking(call)
                while not inside.is_set():
                    yield tonio.sleep(0.001)
                print("main has ended")
        """, "--shutdown-timeout", "0.5")
        self.assertEqual(done.out, "main has ended\n")
        self.assertIn("blocking", done.err)
        self.assertLess(done.seconds, 30)


class LoopGivesWay(Scenarios):
    """In the `await` notation the operation that gives way is another one."""

    def test_endless_giving_way_of_a_spawned_task_ends(self):
        @self.task
        def left():
            while True:
                yield

        tonio.spawn.without_tracking(left(), left())
        yield


if __name__ == "__main__":
    main()
