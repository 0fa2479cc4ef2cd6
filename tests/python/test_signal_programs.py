"""signal_receiver() looked at from outside: the launcher's option, default actions, stops."""

import os
import signal
import unittest

from programs import Program
from scenarios import main

PRINTS = """
    import signal, tonio

    def main():
        with tonio.signal_receiver(signal.SIGHUP, signal.SIGUSR1) as sigs:
            print("ready", flush=True)
            for ev in sigs:
                sig = yield ev
                print(sig.name, flush=True)
                if sig == signal.SIGUSR1:
                    return
"""

# A receiver that has been left: %s is the signal's name.
LEFT = """
    import os, signal, tonio

    @tonio.main(signals=[signal.%s])
    def main():
        try:
            with tonio.signal_receiver(signal.%s) as sigs:
                print("ready", flush=True)
                for ev in sigs:
                    print((yield ev).name, flush=True)
                    break
            print("left", flush=True)
            yield tonio.Event().wait()
        finally:
            yield tonio.sleep(0.01)
            os.write(1, b"cleaned up\\n")
"""


class TheRunsSignals(unittest.TestCase):
    def check_that_it_prints(self, text, *options, **more):
        with Program(text, *options, **more) as program:
            self.assertEqual(program.line(), "ready")
            for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGUSR1):
                program.signal(number)
                self.assertEqual(program.line(), number.name)
            done = program.end()
        self.assertEqual((done.code, done.out, done.err), (0, "", ""))

    def test_from_the_command_line(self):
        self.check_that_it_prints(PRINTS, "--signals", "HUP,SIGUSR1")

    def test_from_the_environment(self):
        self.check_that_it_prints(PRINTS, environment={"TONIO_SIGNALS": "1,usr1"})

    def test_from_the_decorator(self):
        signals = "    @tonio.main(signals=[signal.SIGHUP, signal.SIGUSR1])\n    def main"
        self.check_that_it_prints(PRINTS.replace("    def main", signals))

    def test_from_both(self):
        text = PRINTS.replace("    def main", "    @tonio.main(signals=[signal.SIGHUP])\n    def main")
        self.check_that_it_prints(text, "--signals", "USR1,HUP")

    def test_of_a_run_in_the_script(self):
        text = PRINTS.replace("def main", "def program")
        text += "\n    tonio.run(program(), signals={signal.SIGUSR1})\n"
        self.check_that_it_prints(text, "--signals", "HUP")

    def test_async_for(self):
        self.check_that_it_prints("""
            import signal, tonio.colored as tonio

            @tonio.main(signals=[signal.SIGHUP, signal.SIGUSR1])
            async def main():
                with tonio.signal_receiver(signal.SIGHUP, signal.SIGUSR1) as sigs:
                    print("ready", flush=True)
                    async for sig in sigs:
                        print(sig.name, flush=True)
                        if sig == signal.SIGUSR1:
                            break
        """)

    def test_missing_ones_are_named_with_the_remedy(self):
        with Program(PRINTS) as program:
            done = program.end()
        self.assertEqual((done.code, done.out), (1, ""))
        self.assertIn("ValueError: signal.SIGHUP is not among", done.err)
        self.assertIn("signals=[signal.SIGHUP]", done.err)
        self.assertIn("--signals HUP", done.err)

    def test_ones_that_the_system_keeps_are_one_clear_error(self):
        with Program("def main(): yield", "--signals", "32") as program:
            done = program.end()
        self.assertEqual((done.code, done.out), (1, ""))
        self.assertIn("ValueError: signals: there is no signal 32", done.err)

    def test_on_another_thread(self):
        with Program("""
            import threading, tonio

            def program():
                yield

            def run():
                try:
                    tonio.run(program())
                except RuntimeError as error:
                    print(error, flush=True)

            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
        """, "--signals", "HUP") as program:
            self.assertIn("main thread", program.line())


class WithoutAReceiver(unittest.TestCase):
    def leave(self, name):
        """A program that has left its receiver and then gets the signal; what it said."""
        number = getattr(signal, name)
        with Program(LEFT % (name, name)) as program:
            self.assertEqual(program.line(), "ready")
            program.signal(number)
            self.assertEqual(program.line(), name)
            self.assertEqual(program.line(), "left")
            program.signal(number)
            return program.end()

    def test_sighup_ends_the_process(self):
        done = self.leave("SIGHUP")
        self.assertEqual((done.code, done.out, done.err), (-signal.SIGHUP, "", ""))

    def test_sigterm_cleans_up_and_exits_with_143(self):
        done = self.leave("SIGTERM")
        self.assertEqual((done.code, done.out, done.err), (143, "cleaned up\n", ""))

    def test_sigint_cleans_up_and_exits_with_130(self):
        done = self.leave("SIGINT")
        self.assertEqual((done.code, done.out), (130, "cleaned up\n"))
        self.assertIn("KeyboardInterrupt", done.err)
        self.assertNotIn("_signals.py", done.err)

    def test_a_native_handler_is_called(self):
        with Program("""
            import faulthandler, signal, sys, tonio

            faulthandler.register(signal.SIGUSR1, file=sys.stdout)

            @tonio.main(signals=[signal.SIGUSR1])
            def main():
                with tonio.signal_receiver(signal.SIGUSR1) as sigs:
                    print("ready", flush=True)
                    for ev in sigs:
                        print((yield ev).name, flush=True)
                        break
                print("left", flush=True)
                yield tonio.Event().wait()
        """) as program:
            self.assertEqual(program.line(), "ready")
            program.signal(signal.SIGUSR1)
            self.assertEqual(program.line(), "SIGUSR1")
            self.assertEqual(program.line(), "left")
            program.signal(signal.SIGUSR1)
            self.assertRegex(program.line(), "Thread 0x")


class Stopped(unittest.TestCase):
    def check(self, number, options=()):
        """Stops and continues the group of a program that waits for everything there is."""
        with Program("""
            import signal, threading, tonio

            def sleeps(seconds):
                yield tonio.sleep(seconds)

            @tonio.main(signals=[signal.SIGUSR1])
            def main():
                block = threading.Event()
                sleeping = tonio.spawn(*[sleeps(0.1 * i) for i in range(5)])
                blocking = tonio.spawn_blocking(block.wait)
                with tonio.signal_receiver(signal.SIGUSR1) as sigs:
                    print("ready", flush=True)
                    for ev in sigs:
                        print((yield ev).name, flush=True)
                        break
                    yield sleeping
                    block.set()
                    print((yield blocking), flush=True)
        """, *options, process_group=0) as program:
            pid = program.process.pid
            self.assertEqual(program.line(), "ready")
            for _ in range(3):
                os.killpg(pid, number)
                self.assertEqual(os.waitid(os.P_PID, pid, os.WSTOPPED).si_status, number)
                os.killpg(pid, signal.SIGCONT)
                os.waitid(os.P_PID, pid, os.WCONTINUED)
            # What comes while it is stopped is not lost either.
            os.killpg(pid, number)
            os.waitid(os.P_PID, pid, os.WSTOPPED)
            program.signal(signal.SIGUSR1)
            os.killpg(pid, signal.SIGCONT)
            self.assertEqual(program.line(), "SIGUSR1")
            done = program.end()
        self.assertEqual((done.code, done.out, done.err), (0, "True\n", ""))

    def test_by_sigstop(self):
        self.check(signal.SIGSTOP)

    def test_by_ctrl_z(self):
        self.check(signal.SIGTSTP)

    def test_by_ctrl_z_that_is_among_the_run_s_signals(self):
        self.check(signal.SIGTSTP, ("--signals", "TSTP,CONT"))

    def test_by_ctrl_z_with_one_worker(self):
        self.check(signal.SIGTSTP, ("--threads", "1"))


if __name__ == "__main__":
    main()
