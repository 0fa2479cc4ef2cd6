"""Exit codes, and what is on standard error with them."""

import os
import signal
import subprocess

from case import TONIO, LauncherCase, clean_environment, main

# The same statement in the module body and in an entrypoint must end the same way.
IN_BODY = "{}\n"
IN_MAIN = "async def main():\n    {}\n"

ENDS = [
    ("pass", 0, ""),
    ("raise SystemExit", 0, ""),
    ("raise SystemExit(None)", 0, ""),
    ("raise SystemExit(3)", 3, ""),
    ("raise SystemExit(256 + 4)", 4, ""),
    ("raise SystemExit(-1)", 255, ""),
    ("raise SystemExit(2**70)", 255, ""),
    ("raise SystemExit(True)", 1, ""),
    ("raise SystemExit('a word')", 1, "a word\n"),
    ("raise SystemExit(['a', 1])", 1, "['a', 1]\n"),
    ("__import__('os')._exit(9)", 9, ""),
]


class ExitCodes(LauncherCase):
    def test_system_exit(self):
        for form in (IN_BODY, IN_MAIN):
            for statement, code, text in ENDS:
                with self.subTest(form=form, statement=statement):
                    self.write("app.py", form.format(statement))
                    done = self.tonio("run", "app.py")
                    self.assertEqual((done.returncode, done.stderr), (code, text))

    def test_an_exception(self):
        for form in (IN_BODY, IN_MAIN):
            self.write("app.py", form.format("raise ValueError('no')"))
            done = self.tonio("run", "app.py")
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.startswith("Traceback (most recent call last):\n"))
            self.assertTrue(done.stderr.endswith("ValueError: no\n"))

    def test_keyboard_interrupt(self):
        for form in (IN_BODY, IN_MAIN):
            self.write("app.py", form.format("raise KeyboardInterrupt"))
            done = self.tonio("run", "app.py")
            self.assertEqual(done.returncode, 130)
            self.assertTrue(done.stderr.endswith("KeyboardInterrupt\n"))

    def test_output_comes_before_the_traceback(self):
        self.write("app.py", "print('said')\nasync def main():\n    print('and said')\n    1 / 0\n")
        done = subprocess.run(
            [TONIO, "run", self.folder / "app.py"], env=clean_environment(PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertTrue(done.stdout.startswith("said\nand said\nTraceback"), done.stdout)

    def test_excepthook(self):
        self.write("app.py", """
            import sys
            sys.excepthook = lambda type, value, traceback: print("hook:", type.__name__, value)
            raise ValueError("no")
        """)
        done = self.tonio("run", "app.py")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "hook: ValueError no\n", ""))

    def test_excepthook_that_exits(self):
        self.write("app.py", """
            import sys
            def hook(*exception):
                sys.exit(5)
            sys.excepthook = hook
            async def main():
                1 / 0
        """)
        done = self.tonio("run", "app.py")
        self.assertEqual((done.returncode, done.stderr), (5, ""))

    def test_excepthook_that_fails(self):
        self.write("app.py", """
            import sys
            def hook(*exception):
                raise KeyError("in the hook")
            sys.excepthook = hook
            1 / 0
        """)
        done = self.tonio("run", "app.py")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(
            done.stderr, r"(?s)\AError in sys\.excepthook:\n.*KeyError: 'in the hook'\n\nOriginal exception was:\n.*ZeroDivisionError")

    def test_last_exception(self):
        self.write("app.py", "import atexit, sys\natexit.register(lambda: print(repr(sys.last_exc)))\nraise ValueError('no')\n")
        self.assertEqual(self.tonio("run", "app.py").stdout, "ValueError('no')\n")


class Signals(LauncherCase):
    """A signal while the script says that it waits for one."""

    WAITING = {
        "body": "import signal\nprint('ready', flush=True)\nwhile True:\n    signal.pause()\n",
        "main": "import tonio\nasync def main():\n    print('ready', flush=True)\n    await tonio.sleep(3600)\n",
    }

    # Never imports tonio.
    WITHOUT_TONIO = """\
def main():
    print('ready', flush=True)
    try:
        while True:
            yield
    finally:
        print('finally', flush=True)
"""

    def end_by(self, script, number):
        self.write("app.py", script)
        process = subprocess.Popen(
            [TONIO, "run", "app.py"], cwd=self.folder, env=clean_environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(number)
        output, error = process.communicate(timeout=60)
        return process.returncode, error, output

    def test_interrupt(self):
        for where, script in self.WAITING.items():
            with self.subTest(where):
                code, error, _ = self.end_by(script, signal.SIGINT)
                self.assertEqual(code, 130)
                self.assertTrue(error.endswith("KeyboardInterrupt\n"), error)
                self.assertEqual(error.startswith("Traceback"), where == "body", error)

    def test_interrupt_while_python_starts(self):
        self.write("sitecustomize.py", "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
        self.write("app.py", "raise SystemExit('the script has begun')")
        done = self.tonio("run", "app.py", env={"PYTHONPATH": str(self.folder)})
        self.assertEqual(done.returncode, 130, done.stderr)
        self.assertTrue(done.stderr.endswith("KeyboardInterrupt\n"), done.stderr)

    def test_terminate_while_the_runtime_runs(self):
        self.assertEqual(self.end_by(self.WAITING["main"], signal.SIGTERM), (143, "", ""))

    def test_a_script_that_never_imports_tonio(self):
        self.assertEqual(self.end_by(self.WITHOUT_TONIO, signal.SIGTERM), (143, "", "finally\n"))
        self.assertEqual(self.end_by(self.WITHOUT_TONIO, signal.SIGINT), (130, "KeyboardInterrupt\n", "finally\n"))

    def test_terminate_in_a_body_is_the_systems(self):
        self.assertEqual(self.end_by(self.WAITING["body"], signal.SIGTERM), (-signal.SIGTERM, "", ""))

    def test_a_handler_of_the_scripts(self):
        script = "import signal, sys\nsignal.signal(signal.SIGUSR1, lambda *a: sys.exit(21))\n" + self.WAITING["main"]
        self.assertEqual(self.end_by(script, signal.SIGUSR1), (21, "", ""))

    def test_an_ignored_interrupt_stays_ignored(self):
        self.write("app.py", "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)")
        done = subprocess.run(
            ["sh", "-c", f"trap '' INT; exec '{TONIO}' run '{self.folder}/app.py'"],
            env=clean_environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout, "True\n")


class Streams(LauncherCase):
    """Standard streams that are closed, full or broken."""

    def shell(self, line, **options):
        return subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=clean_environment(TONIO=TONIO), capture_output=True, text=True,
            timeout=60, **options)

    def setUp(self):
        super().setUp()
        self.write("app.py", """
            import os, sys, tonio
            async def main():
                await tonio.sleep(0)
                print("out", flush=True)
                print("err", file=sys.stderr, flush=True)
                with open("result", "w") as file:
                    print(file.fileno() > 2, file=file)
        """)

    def test_closed_streams(self):
        for closing in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            for command in ("run app.py", "-c 'import runpy; runpy.run_path(\"app.py\")[\"tonio\"].run(runpy.run_path(\"app.py\")[\"main\"]())'"):
                with self.subTest(closing=closing, command=command):
                    done = self.shell(f'"$TONIO" {command} {closing}')
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual((self.folder / "result").read_text(), "True\n")
                    self.assertEqual(done.stdout, "" if ">&-" in closing.replace("2>&-", "") else "out\n")
                    (self.folder / "result").unlink()

    def test_a_reader_that_leaves(self):
        self.write("lines.py", "for i in range(200_000):\n    print('line', i)\n")
        done = self.shell('"$TONIO" run lines.py | head -1; echo "${PIPESTATUS[0]}"')
        # 120 where the last write came to a part: the rest can't be flushed, as python has it.
        self.assertIn(done.stdout, ("line 0\n1\n", "line 0\n120\n"))
        self.assertIn("BrokenPipeError", done.stderr)

    def test_a_reader_that_leaves_before_the_flush(self):
        self.write("late.py", "import sys\nprint('never read')\nsys.stdin.read()\n")
        read, write = os.pipe()
        process = subprocess.Popen(
            [TONIO, "run", "late.py"], cwd=self.folder, env=clean_environment(), stdin=subprocess.PIPE, stdout=write,
            stderr=subprocess.PIPE, text=True)
        os.close(write)
        os.close(read)
        _, error = process.communicate("", timeout=60)
        self.assertEqual(process.returncode, 120)
        self.assertIn("BrokenPipeError", error)

    def test_a_full_disk(self):
        self.assertEqual(self.shell('"$TONIO" run lines.py').returncode, 2)
        self.write("one.py", "print('x')")
        done = self.shell('"$TONIO" run one.py > /dev/full')
        self.assertEqual(done.returncode, 120)
        self.assertIn("No space left on device", done.stderr)
        for option in ("--version", "--help"):
            done = self.shell(f'"$TONIO" {option} > /dev/full')
            self.assertEqual(done.returncode, 1)
            self.assertIn("No space left on device", done.stderr)


main()
