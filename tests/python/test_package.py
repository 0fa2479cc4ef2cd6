"""The package inside the binary: sources, tracebacks, -c mode, lazy start, fork."""

import inspect
import os
import subprocess
import traceback
import unittest
import warnings

import tonio
import tonio._runtime
import tonio.net.socket
from forked_uses import REFUSED, WORKS
from programs import TONIO, clean_environment, run_program
from sanitizers import NO_LEAK_CHECK, THREAD_SANITIZER
from scenarios import main


def command(text, *options):
    return subprocess.run(
        [TONIO, *options, "-c", text], capture_output=True, text=True, env=clean_environment(),
        timeout=60,
    )


class Sources(unittest.TestCase):
    def test_inspect_finds_them(self):
        self.assertIn("def run(", inspect.getsource(tonio.run))
        self.assertIn("class Runtime", inspect.getsource(tonio.Runtime))
        self.assertIn('"""', inspect.getsource(tonio.net.socket))

    def test_the_importer_is_not_among_them(self):
        with self.assertRaises(ModuleNotFoundError):
            import tonio._importer  # noqa: F401

    def test_tracebacks_show_them(self):
        try:
            tonio.run(5)
        except TypeError as error:
            text = "".join(traceback.format_exception(error))
        self.assertIn("return options.run(coro, end_others=True)", text)

    def test_native_functions_have_signatures_and_documentation(self):
        for function in (tonio.sleep, tonio.block_on, tonio.map, tonio.spawn_blocking):
            self.assertTrue(function.__doc__)
            inspect.signature(function)
        self.assertTrue(tonio.Event.__doc__)
        self.assertTrue(tonio.spawn.__doc__)


class ImportedByAPlainPython(unittest.TestCase):
    def test_it_starts_at_the_first_use(self):
        done = command(
            "import os\n"
            "def threads(): return len(os.listdir('/proc/self/task'))\n"
            "bare = threads()\n"
            "import tonio\n"
            "before = threads() - bare\n"
            "def main():\n"
            "    yield tonio.sleep(0)\n"
            "    return threads()\n"
            "print(before, tonio.run(main(), threads=3))\n"
        )
        # ThreadSanitizer has a thread of its own.
        after = 5 if THREAD_SANITIZER else 4
        self.assertEqual((done.stdout, done.stderr), (f"0 {after}\n", ""))

    def test_spawning_before_says_so(self):
        done = command(
            "import tonio\n"
            "def task():\n"
            "    yield\n"
            "for call in (lambda: tonio.spawn(task()), lambda: tonio.spawn_blocking(len, '')):\n"
            "    try:\n"
            "        call()\n"
            "    except tonio.exceptions.RuntimeNotInitializedError as error:\n"
            "        print(error)\n"
        )
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.count("there is no runtime"), 2)

    def test_importing_alone_leaves_no_trace(self):
        done = command("import tonio, tonio.colored, tonio.net.socket; print('fine')", "-W", "error")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "fine\n", ""))


class Fork(unittest.TestCase):
    def fork(self, child):
        """Runs `child` in a forked process; gives what it wrote and its exit code."""
        read, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork()
            pid = os.fork()
        if pid == 0:
            try:
                os.write(write, str(child()).encode())
            except BaseException as error:
                os.write(write, f"{type(error).__name__}: {error}".encode())
            os._exit(3)
        os.close(write)
        with open(read) as pipe:
            text = pipe.read()
        return text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_the_runtime_is_gone_in_the_child(self):
        def nothing():
            yield

        def uses():
            warnings.simplefilter("ignore")  # of coroutines that nobody could run
            for name, use in REFUSED.items():
                try:
                    tonio.block_on(use())
                except Exception as error:
                    yield f"{name}: {type(error).__name__}: {error}"
            for name, (use, gives) in WORKS.items():
                yield f"{name}: {use() == gives}"

        tonio.run(nothing())
        text, code = self.fork(lambda: "\n".join(uses()))
        self.assertEqual(code, 3)
        refused = "RuntimeNotInitializedError: this process was forked from one that runs tonio"
        expected = [f"{name}: {refused}" for name in REFUSED] + [f"{name}: True" for name in WORKS]
        self.assertEqual([line.partition(",")[0] for line in text.splitlines()], expected)
        # The parent's is as good as ever.
        tonio.run(nothing())

    def test_the_child_ends_like_any_other(self):
        done = run_program(
            """
            import os, sys, warnings

            warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork()
            pid = os.fork()
            if pid == 0:
                sys.exit(5)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """,
            environment=NO_LEAK_CHECK,
        )
        self.assertEqual((done.code, done.out, done.err), (0, "5\n", ""))


if __name__ == "__main__":
    main()
