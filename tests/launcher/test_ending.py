"""The end of a program: threads, runtime, atexit callbacks, in this order."""

from case import COUNT_WORKERS, LauncherCase, main
from sanitizers import NO_LEAK_CHECK


class Ending(LauncherCase):
    def ran(self, text, *options, code=0, env=None):
        self.write("app.py", text)
        done = self.tonio("run", *options, "app.py", env=env)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_threads_then_atexit(self):
        done = self.ran("""
            import atexit, threading
            body_ended = threading.Event()
            atexit.register(print, "atexit")
            def work():
                threading.main_thread().join()
                print("thread")
            threading.Thread(target=work).start()
        """)
        self.assertEqual((done.stdout, done.stderr), ("thread\natexit\n", ""))

    def test_atexit_after_a_failure(self):
        done = self.ran("""
            import atexit
            atexit.register(print, "atexit")
            async def main():
                1 / 0
        """, code=1)
        self.assertEqual(done.stdout, "atexit\n")

    def test_a_thread_uses_the_runtime_while_it_finishes(self):
        done = self.ran("""
            import threading, tonio
            async def answer():
                await tonio.sleep(0)
                return 42
            def work():
                threading.main_thread().join()
                print(tonio.block_on(answer()))
            async def main():
                # A worker is a daemon to threading, and what it starts would be one too.
                threading.Thread(target=work, daemon=False).start()
        """)
        self.assertEqual((done.stdout, done.stderr), ("42\n", ""))

    def test_tasks_end_before_the_atexit_callbacks(self):
        done = self.ran("""
            import atexit, tonio
            atexit.register(print, "atexit")
            started = tonio.Event()
            async def left():
                try:
                    started.set()
                    await tonio.Event().wait()
                finally:
                    print("finally")
            async def main():
                tonio.spawn.without_tracking(left())
                await started.wait()
        """)
        self.assertEqual((done.stdout, done.stderr), ("finally\natexit\n", ""))

    def test_the_runtime_is_stopped_in_atexit_callbacks(self):
        done = self.ran(f"""
            import atexit
            def workers():
                print({COUNT_WORKERS})
            workers()
            atexit.register(workers)
        """, "--threads", "2")
        self.assertEqual((done.stdout, done.stderr), ("2\n0\n", ""))

    def test_daemon_threads(self):
        done = self.ran("""
            import threading
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            async def main():
                threading.Thread(target=threading.Event().wait, daemon=True).start()
            print("body")
        """)
        self.assertEqual((done.stdout, done.stderr), ("body\n", ""))

    def test_what_does_not_stop_is_named(self):
        done = self.ran("""
            import atexit, os, tonio
            atexit.register(print, "atexit")
            started, start = os.pipe()
            never, _ = os.pipe()
            async def main():
                tonio.spawn.without_tracking(block())
                os.read(started, 1)
                print("leaving")
                raise SystemExit(7)
            async def block():
                await tonio.spawn_blocking(stuck)
            def stuck():
                while True:  # deaf to being cancelled
                    try:
                        os.write(start, b"x")
                        os.read(never, 1)
                    except BaseException:
                        pass
        """, "--shutdown-timeout", "0.2", "--threads", "2", code=7)
        self.assertEqual(done.stdout, "leaving\natexit\n")
        self.assertIn("tonio: leaving without what didn't stop in time (--shutdown-timeout):\n  ", done.stderr)

    def test_a_forked_child(self):
        done = self.ran("""
            import os, tonio, warnings
            warnings.simplefilter("ignore")
            tonio.run(tonio.sleep(0))
            if os.fork() == 0:
                print("child", flush=True)
                raise SystemExit(3)
            print(os.waitstatus_to_exitcode(os.wait()[1]))
        """, "--threads", "1", env=NO_LEAK_CHECK)
        self.assertEqual((done.stdout, done.stderr), ("child\n3\n", ""))

    def test_a_child_that_falls_off_the_end_of_the_body(self):
        done = self.ran("""
            import os, tonio, warnings
            warnings.simplefilter("ignore")
            tonio.run(tonio.sleep(0))
            if os.fork() == 0:
                print("child", flush=True)
            else:
                print(os.waitstatus_to_exitcode(os.wait()[1]))
        """, "--threads", "1", env=NO_LEAK_CHECK)
        self.assertEqual((done.stdout, done.stderr), ("child\n0\n", ""))

    def test_a_child_that_reaches_the_entrypoint(self):
        done = self.ran("""
            import os, tonio, warnings
            warnings.simplefilter("ignore")
            tonio.block_on(tonio.sleep(0))
            child = os.fork()
            async def main():
                print("not in the child")
            if child:
                print(os.waitstatus_to_exitcode(os.wait()[1]))
            else:
                try:
                    tonio.run(main())
                except RuntimeError as error:
                    print("fork" in str(error), flush=True)
        """, "--threads", "1", env=NO_LEAK_CHECK)
        self.assertEqual((done.stdout, done.stderr), ("True\n0\n", ""))

    def test_an_object_that_ends_late(self):
        done = self.ran("""
            class Late:
                def __del__(self):
                    print("late")
            late = Late()
        """)
        self.assertEqual((done.stdout, done.stderr), ("late\n", ""))


main()
