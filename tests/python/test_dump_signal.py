"""SIGQUIT, or the signal of --dump-signal, shows what the tasks are doing; the program goes on."""

import re
import signal
import unittest

from programs import Program
from scenarios import main

TREE = """
    import signal, tonio

    async def leaf():
        await tonio.sleep(60)

    async def program():
        async with tonio.scope() as s:
            for _ in range(2):
                s.spawn(leaf())
            await tonio.sleep(0.2)  # both wait now
            print("ready", flush=True)
            while not input_came():
                await tonio.sleep(0.01)
            s.cancel()
        print("went on", flush=True)

    def input_came():
        import pathlib
        return pathlib.Path(__file__).with_name("go").exists()

    tonio.run(program())
"""

BUSY = """
    import os, tonio

    def spins():
        os.write(1, b"ready\\n")  # at once: print() of two threads may mix
        while True:
            pass

    async def busy():
        spins()

    async def program():
        await tonio.spawn(busy(), busy())

    tonio.run(program(), threads=2)
"""


class Dump(unittest.TestCase):
    def read_until(self, program, wanted, times=1):
        """Until so many lines match `wanted`."""
        lines = []
        while sum(bool(re.search(wanted, line)) for line in lines) < times:
            lines.append(program.process.stderr.readline().decode())
            self.assertTrue(lines[-1], lines)
        return "".join(lines)

    def check(self, number, *options, **more):
        with Program(TREE, *options, **more) as program:
            self.assertEqual(program.line(), "ready")
            for _ in range(2):
                program.signal(number)
                text = self.read_until(program, "more like it")
                self.assertRegex(text, r"^tonio: what the tasks are doing; 3 tasks\n")
                self.assertRegex(text, r"\n  task program: \w+( on tonio.Sleep)?, spawned at .*\n")
                self.assertRegex(text, r"\n    task leaf: suspended on tonio.Sleep, spawned at .*:\d+ in program\n")
                self.assertRegex(text, r"\n      at .*program.py:5 in leaf\n")
                self.assertTrue(text.endswith("\n      and 1 more like it\n"), text)
            path = re.search(r"at (\S*program.py)", text)[1]
            with open(path.replace("program.py", "go"), "w"):
                pass
            done = program.end()
            self.assertEqual((done.code, done.out), (0, "went on\n"), done.err)

    def test_sigquit(self):
        self.check(signal.SIGQUIT)

    def test_the_option(self):
        self.check(signal.SIGUSR1, "--dump-signal", "USR1")

    def test_the_variable(self):
        self.check(signal.SIGUSR2, environment={"TONIO_DUMP_SIGNAL": "sigusr2"})

    def test_sigquit_ends_the_program_where_another_is_named(self):
        with Program(TREE, "--dump-signal", "USR1") as program:
            program.line()
            program.signal(signal.SIGQUIT)
            self.assertEqual(program.end().code, -signal.SIGQUIT)

    def test_every_worker_is_busy(self):
        with Program(BUSY) as program:
            self.assertEqual([program.line(), program.line()], ["ready", "ready"])
            program.signal(signal.SIGQUIT)
            # Alike, unless one is still where it has said so.
            text = self.read_until(program, r"in spins$|and 1 more like it$", 2)
            self.assertRegex(text, r"task busy: running.*\n.*in busy\n.*in spins\n")

    def test_a_handler_of_the_script_stays(self):
        with Program("""
            import signal, tonio

            def handler(*_):
                print("handled", flush=True)
                event.set()

            event = tonio.Event()
            signal.signal(signal.SIGQUIT, handler)
            async def program():
                print("ready", flush=True)
                await event.wait()
            tonio.run(program())
        """) as program:
            program.line()
            program.signal(signal.SIGQUIT)
            done = program.end()
        self.assertEqual((done.code, done.out, done.err), (0, "handled\n", ""))

    def test_ctrl_c_after_it(self):
        with Program(TREE) as program:
            program.line()
            program.signal(signal.SIGQUIT)
            self.read_until(program, "more like it")
            program.signal(signal.SIGINT)
            self.assertEqual(program.end().code, 130)

    def test_the_disposition_comes_back(self):
        with Program("""
            import _tonio, signal, tonio

            async def program():
                return _tonio.signal_disposition(signal.SIGQUIT)

            before = _tonio.signal_disposition(signal.SIGQUIT)
            assert tonio.run(program()) != before
            assert _tonio.signal_disposition(signal.SIGQUIT)[:8] == before[:8]
        """) as program:
            done = program.end()
        self.assertEqual((done.code, done.err), (0, ""))


if __name__ == "__main__":
    main()
