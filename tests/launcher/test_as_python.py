"""tonio with Python's own flags acts as a plain Python."""

import os
import sys

from case import COUNT_WORKERS, TONIO, LauncherCase, main

WORKERS = f"print({COUNT_WORKERS})\n"


class AsPython(LauncherCase):
    def test_command(self):
        self.assertEqual(
            self.output("-c", "import sys; print(sys.argv, repr(sys.path[0]))", "a", "--threads", "2"),
            "['-c', 'a', '--threads', '2'] ''\n")

    def test_module(self):
        self.write("mod.py", "import sys; print(__name__, sys.argv[1:], sys.path[0])")
        self.assertEqual(self.output("-m", "mod", "--help"), f"__main__ ['--help'] {self.folder}\n")

    def test_standard_input(self):
        self.assertEqual(self.output("-", "a", input="import sys; print(sys.argv)"), "['-', 'a']\n")

    def test_a_script_after_flags(self):
        self.write("app.py", "import sys\nprint(sys.argv, sys.flags.optimize)\nasync def main(): print('not run')\n")
        self.assertEqual(self.output("-OO", "app.py", "--threads", "x"), "['app.py', '--threads', 'x'] 2\n")

    def test_flags_that_tools_pass(self):
        for flags, expression, expected in (
            (["-I"], "sys.flags.isolated, sys.flags.safe_path", "1 True"),
            (["-E"], "sys.flags.ignore_environment,", "1"),
            (["-s"], "sys.flags.no_user_site,", "1"),
            (["-S"], "'site' in sys.modules,", "False"),
            (["-B"], "sys.flags.dont_write_bytecode,", "1"),
            (["-u"], "sys.stdout.write_through,", "True"),
            (["-O"], "sys.flags.optimize,", "1"),
            (["-P"], "sys.flags.safe_path,", "True"),
            (["-b"], "sys.flags.bytes_warning,", "1"),
            (["-q"], "sys.flags.quiet,", "1"),
            (["-X", "dev"], "sys.flags.dev_mode,", "True"),
            (["-Xutf8"], "sys.flags.utf8_mode,", "1"),
            (["-W", "error"], "sys.warnoptions,", "['error']"),
            (["-Werror", "-X", "faulthandler", "-sE"], "sys.warnoptions, sys.flags.no_user_site", "['error'] 1"),
            (["--check-hash-based-pycs", "never"], "__import__('_imp').check_hash_based_pycs,", "never"),
        ):
            with self.subTest(flags):
                self.assertEqual(self.output(*flags, "-c", f"import sys; print(*[{expression}])"), expected + "\n")

    def test_versions_and_usage_are_pythons(self):
        self.assertRegex(self.output("-V"), r"\APython 3\.\d+\.\d+\S*\n\Z")
        self.assertIn("free-threading", self.output("-VV"))
        self.assertIn("PYTHONPATH", self.output("--help-env"))
        done = self.tonio("-Q")
        self.assertEqual(done.returncode, 2)
        self.assertIn("Unknown option: -Q", done.stderr)

    def test_interactive(self):
        done = self.tonio("-i", "-q", input="print(6 * 7)\n", env={"PYTHON_BASIC_REPL": "1"})
        self.assertEqual((done.returncode, done.stdout), (0, "42\n"))

    def test_no_workers_until_they_are_needed(self):
        self.assertEqual(self.output("-c", WORKERS), "0\n")
        self.assertEqual(self.output("-c", "import tonio\n" + WORKERS), "0\n")

    def test_the_runtime_works_and_takes_our_options(self):
        code = "import tonio\nasync def f():\n    return 42\nprint(tonio.run(f()))\n" + WORKERS
        self.assertEqual(self.output("--threads", "3", "-c", code), "42\n3\n")
        self.assertEqual(self.output("-c", code, env={"TONIO_THREADS": "2"}), "42\n2\n")

    def test_the_runtime_stops_after_the_atexit_callbacks(self):
        self.assertEqual(self.output("-c", """if True:
            import atexit, tonio
            async def f(text):
                print(text)
            atexit.register(lambda: tonio.run(f("at exit")))
            tonio.run(f("before"))
        """), "before\nat exit\n")

    def test_exit_codes(self):
        for code, expected in (("raise SystemExit(7)", 7), ("1/0", 1), ("import os; os._exit(9)", 9)):
            self.assertEqual(self.tonio("-c", code).returncode, expected)
        self.write("mod.py", "import tonio\nasync def f(): raise SystemExit(5)\ntonio.run(f())")
        self.assertEqual(self.tonio("-m", "mod").returncode, 5)

    def test_executable(self):
        self.assertEqual(self.output("-c", "import sys; print(sys.executable)"), os.path.realpath(TONIO) + "\n")

    def test_a_bad_option_of_ours(self):
        self.refused("--threads", "0", "-c", "pass", says="--threads")
        self.refused("-c", "pass", env={"TONIO_THREADS": "0"}, says="TONIO_THREADS")


class ExactlyPython(LauncherCase):
    """Called by a name that begins with python."""

    def setUp(self):
        super().setUp()
        self.python = self.folder / "bin/python3"
        self.python.parent.mkdir()
        self.python.symlink_to(TONIO)

    def python_output(self, *args, **options):
        done = self.command(self.python, *args, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_scripts(self):
        self.write("app.py", "import sys\nprint(sys.argv, sys.flags.gil)\nasync def main(): print('not run')\n")
        self.assertEqual(
            self.python_output("app.py", "run", "--threads", "2"), "['app.py', 'run', '--threads', '2'] None\n")
        self.write("run", "print('a script called run')")
        self.assertEqual(self.python_output("run"), "a script called run\n")

    def test_bad_variables_of_tonio_do_not_matter(self):
        for variable, value in (("THREADS", "x"), ("LOG_LEVEL", "loud"), ("GIL", "off"), ("LOG_FILE", "/proc/no/such/file")):
            self.assertEqual(self.python_output("-c", "print(1)", env={"TONIO_" + variable: value}), "1\n")

    def test_version_and_help_are_pythons(self):
        self.assertRegex(self.python_output("--version"), r"\APython 3\.\d+\.\d+\S*\n\Z")
        self.assertIn("PYTHONPATH", self.python_output("--help-all"))
        self.assertTrue(self.python_output("-h").startswith("usage: "))

    def test_executable(self):
        code = "import sys; print(sys.executable)"
        self.assertEqual(self.python_output("-c", code), f"{self.python}\n")
        path = {"PATH": f"{self.python.parent}:{os.environ['PATH']}"}
        done = self.command("python3", "-c", code, env=path, executable=self.python)
        self.assertEqual(done.stdout, f"{self.python}\n")
        # Nothing of that name leads here: the real one.
        done = self.command("python-of-nowhere", "-c", code, executable=TONIO)
        self.assertEqual(done.stdout, os.path.realpath(TONIO) + "\n")

    def test_tonio_can_be_imported(self):
        code = "import tonio\nasync def f():\n    return 42\nprint(tonio.run(f()))\n"
        self.assertEqual(self.python_output("-c", code), "42\n")

    def test_standard_input(self):
        self.assertEqual(self.python_output(input="print(6 * 7)"), "42\n")


if sys.platform != "linux":
    raise SystemExit("these tests read /proc")
main()
