"""SIGINT and SIGTERM: exceptions out of run, cleaning up first, exit codes."""

import signal
import unittest

from programs import Program
from scenarios import main

WAITS = """
    import os, tonio

    def waits(name):
        try:
            yield tonio.sleep(3600)
        finally:
            yield tonio.sleep(0.01)
            os.write(1, f"{name} cleaned up\\n".encode())  # at once, unlike print()

    def main():
        tonio.spawn.without_tracking(waits("task"))
        yield tonio.sleep(0.01)
        print("ready", flush=True)
        yield waits("main")
"""

CATCHES = """
    import signal, tonio

    async def program():
        try:
            print("ready", flush=True)
            await tonio.sleep(3600)
        finally:
            await tonio.sleep(0.01)
            print("main's finally", flush=True)

    try:
        tonio.run(program())
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


class Signals(unittest.TestCase):
    def send(self, text, *numbers, options=()):
        with Program(text, *options) as program:
            self.assertEqual(program.line(), "ready")
            for number in numbers:
                program.signal(number)
            return program.end()

    def test_sigint_cleans_up_and_exits_with_130(self):
        done = self.send(WAITS, signal.SIGINT)
        self.assertEqual(done.code, 130, done.err)
        self.assertEqual(sorted(done.out.splitlines()), ["main cleaned up", "task cleaned up"])
        self.assertIn("KeyboardInterrupt", done.err)
        # A user who stops a program wants no essay.
        self.assertLess(len(done.err.splitlines()), 5, done.err)

    def test_sigterm_cleans_up_and_exits_with_143(self):
        done = self.send(WAITS, signal.SIGTERM)
        self.assertEqual((done.code, done.err), (143, ""))
        self.assertEqual(sorted(done.out.splitlines()), ["main cleaned up", "task cleaned up"])

    def test_keyboard_interrupt_comes_out_of_run_after_main_s_finally(self):
        done = self.send(CATCHES, signal.SIGINT)
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(done.out, "main's finally\ninterrupted\n")

    def test_keyboard_interrupt_comes_out_of_run_after_every_task_s_finally(self):
        done = self.send("""
            import tonio

            ended = []

            def task(number, entered):
                try:
                    entered.set()
                    yield tonio.sleep(3600)
                finally:
                    yield tonio.sleep(0.01)  # suspends undisturbed
                    ended.append(number)

            def program():
                events = [tonio.Event() for _ in range(50)]
                for number, entered in enumerate(events):
                    tonio.spawn.without_tracking(task(number, entered))
                for entered in events:
                    yield entered.wait()
                try:
                    print("ready", flush=True)
                    yield tonio.sleep(3600)
                except tonio.exceptions.CancelledError:
                    ended.append("main")
                    raise

            try:
                tonio.run(program())
            except KeyboardInterrupt:
                print(len(ended), "main" in ended, flush=True)

            def again():
                yield tonio.sleep(0)
                print("runs again", flush=True)

            tonio.run(again())
        """, signal.SIGINT)
        self.assertEqual((done.code, done.out, done.err), (0, "51 True\nruns again\n", ""))

    def test_sigterm_waits_for_finally_blocks_within_the_shutdown_timeout_only(self):
        with Program("""
            import os, tonio

            def quick():
                try:
                    yield tonio.sleep(3600)
                finally:
                    yield tonio.sleep(0.01)
                    os.write(1, b"quick cleaned up\\n")

            def slow(entered):
                try:
                    entered.set()
                    yield tonio.sleep(3600)
                finally:
                    yield tonio.sleep(3600)
                    os.write(1, b"never said\\n")

            def main():
                entered = tonio.Event()
                tonio.spawn.without_tracking(slow(entered))
                yield entered.wait()
                print("ready", flush=True)
                yield quick()
        """, "--shutdown-timeout", "0.2") as program:
            self.assertEqual(program.line(), "ready")
            program.signal(signal.SIGTERM)
            done = program.end()
        self.assertEqual((done.code, done.out), (143, "quick cleaned up\n"))
        self.assertIn("slow", done.err)

    def test_workers_that_compute_do_not_keep_it_away(self):
        done = self.send("""
            import tonio

            def computes():
                while True:
                    sum(range(100))
                    yield

            def main():
                tonio.spawn.without_tracking(*[computes() for _ in range(8)])
                yield
                print("ready", flush=True)
                yield tonio.sleep(3600)
        """, signal.SIGINT)
        self.assertEqual(done.code, 130)
        self.assertLess(done.seconds, 20)

    def test_a_second_sigint_stops_at_once(self):
        with Program("""
            import tonio

            def main():
                print("ready", flush=True)
                try:
                    yield tonio.sleep(3600)
                finally:
                    print("cleaning up", flush=True)
                    yield tonio.sleep(3600)
        """, "--shutdown-timeout", "3600") as program:
            self.assertEqual(program.line(), "ready")
            program.signal(signal.SIGINT)
            self.assertEqual(program.line(), "cleaning up")
            program.signal(signal.SIGINT)
            done = program.end()
        self.assertEqual(done.code, 130)
        self.assertIn("main", done.err)  # what has been left running is named
        self.assertNotIn("shutdown timeout", done.err)

    def test_the_first_signal_while_the_run_ends_by_itself_is_raised_after_the_cleaning_up(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number), Program("""
                import signal
                import tonio

                began = tonio.Event()
                release = tonio.Event()
                signal.signal(signal.SIGUSR1, lambda *_: release.set())

                def left():
                    try:
                        began.set()
                        yield tonio.sleep(3600)
                    finally:
                        print("cleaning up", flush=True)
                        yield release.wait()
                        print("cleaned up", flush=True)

                def start():
                    tonio.spawn.without_tracking(left())
                    yield began.wait()

                tonio.run(start())
                print("not reached", flush=True)
            """) as program:
                self.assertEqual(program.line(), "cleaning up")
                program.signal(number)
                program.signal(signal.SIGUSR1)
                done = program.end()
                self.assertEqual((done.code, done.out), (code, "cleaned up\n"), done.err)

    def test_a_python_handler_runs_on_the_main_thread(self):
        done = self.send("""
            import signal, threading, tonio

            got = tonio.Event()

            def handler(number, frame):
                print(number == signal.SIGUSR1,
                      threading.current_thread() is threading.main_thread(), flush=True)
                got.set()

            signal.signal(signal.SIGUSR1, handler)

            def main():
                print("ready", flush=True)
                yield got.wait()
        """, signal.SIGUSR1)
        self.assertEqual((done.code, done.out, done.err), (0, "True True\n", ""))

    def test_a_python_handler_may_raise_out_of_run(self):
        done = self.send("""
            import signal, tonio

            class Reload(Exception):
                pass

            def handler(number, frame):
                raise Reload

            signal.signal(signal.SIGHUP, handler)

            def program():
                try:
                    print("ready", flush=True)
                    yield tonio.Event().wait()
                finally:
                    print("finally", flush=True)

            try:
                tonio.run(program())
            except Reload:
                print("reload", flush=True)
        """, signal.SIGHUP)
        self.assertEqual((done.code, done.out, done.err), (0, "finally\nreload\n", ""))

    def test_a_python_handler_of_sigterm_is_kept(self):
        done = self.send("""
            import signal, sys, tonio

            signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))

            def main():
                print("ready", flush=True)
                yield tonio.Event().wait()
        """, signal.SIGTERM)
        self.assertEqual((done.code, done.out, done.err), (5, "", ""))

    def test_ignored_signals_stay_ignored(self):
        with Program("""
            import signal, tonio

            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

            def main():
                print("ready", flush=True)
                yield tonio.sleep(0.2)
                print("done", flush=True)
        """) as program:
            self.assertEqual(program.line(), "ready")
            program.signal(signal.SIGINT)
            program.signal(signal.SIGTERM)
            done = program.end()
        self.assertEqual((done.code, done.out, done.err), (0, "done\n", ""))

    def test_being_stopped_and_continued_is_harmless(self):
        with Program("""
            import tonio
            from tonio.net import socket

            def main():
                first, second = socket.socketpair()
                reading = tonio.spawn(second.recv(1))
                print("ready", flush=True)
                yield tonio.sleep(0.3)
                yield first.send(b"x")
                print((yield reading), flush=True)
        """) as program:
            self.assertEqual(program.line(), "ready")
            for _ in range(5):
                program.signal(signal.SIGSTOP)
                program.signal(signal.SIGCONT)
            done = program.end()
        self.assertEqual((done.code, done.out), (0, "b'x'\n"))


if __name__ == "__main__":
    main()
