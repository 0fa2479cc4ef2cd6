"""Where options may stand, and what reaches the script."""

from case import COUNT_WORKERS, LauncherCase, main

SHOW = f"""
    import sys

    def serve():
        pass

    print(sys.argv[1:], {COUNT_WORKERS})
"""

# Every option with a value that changes nothing for SHOW.
OPTIONS = [
    ("--threads", "3"),
    ("--blocking-threads", "5"),
    ("--blocking-ttl", "0.5"),
    ("--context", None),
    ("--signals", "HUP,sigusr1,15"),
    ("--dump-signal", "usr1"),
    ("--entry", "serve"),
    ("--gil", "error"),
    ("--log-level", "debug"),
    ("--log-file", "log.txt"),
    ("--shutdown-timeout", "2"),
]


class Options(LauncherCase):
    def setUp(self):
        super().setUp()
        self.write("app.py", SHOW)

    def shown(self, *args, **options):
        return self.output(*args, **options).splitlines()[0]

    def test_threads_before_and_after_the_script(self):
        self.assertEqual(self.shown("run", "--threads", "3", "app.py", "a"), "['a'] 3")
        self.assertEqual(self.shown("run", "app.py", "--threads", "3", "a"), "['a'] 3")
        self.assertEqual(self.shown("run", "app.py", "a", "--threads=3"), "['a'] 3")
        self.assertEqual(self.shown("--threads", "3", "run", "app.py"), "[] 3")

    def test_every_option_on_both_sides(self):
        for name, value in OPTIONS:
            option = [name] if value is None else [name, value]
            with self.subTest(name):
                for arguments in (["run", *option, "app.py", "x"], ["run", "app.py", *option, "x"], [*option, "app.py", "x"]):
                    done = self.tonio(*arguments)
                    self.assertEqual((done.returncode, done.stdout.split(" ")[0]), (0, "['x']"), done.stderr)

    def test_options_listed_here_are_all(self):
        listed = {word for word in self.output("--help").split() if word.startswith("--") and len(word) > 3}
        listed -= {"--port", "--help", "--version", "--venv"}  # --venv: test_venv
        self.assertEqual({word.strip(",.") for word in listed}, {name for name, _ in OPTIONS})

    def test_the_last_one_counts(self):
        self.assertEqual(self.shown("run", "--threads", "2", "app.py", "--threads", "4"), "[] 4")

    def test_unknown_options_after_the_script_are_the_scripts_in_order(self):
        self.assertEqual(
            self.shown("run", "app.py", "-p", "80", "--verbose", "--threads", "2", "-", "x"),
            "['-p', '80', '--verbose', '-', 'x'] 2")

    def test_after_two_dashes_all_is_the_scripts(self):
        self.assertEqual(
            self.shown("run", "app.py", "--threads", "2", "a", "--", "--threads", "5", "--", "--help"),
            "['a', '--threads', '5', '--', '--help'] 2")

    def test_two_dashes_before_the_script(self):
        self.write("-odd.py", SHOW)
        self.assertEqual(self.shown("run", "--threads", "2", "--", "-odd.py", "--threads", "5"), "['--threads', '5'] 2")

    def test_without_run_all_after_the_script_is_the_scripts(self):
        self.assertEqual(
            self.shown("--threads", "2", "app.py", "--threads", "5", "--", "--version"),
            "['--threads', '5', '--', '--version'] 2")

    def test_a_script_called_run(self):
        self.write("run", SHOW)
        self.assertEqual(self.shown("--threads", "2", "./run", "x"), "['x'] 2")
        self.assertEqual(self.shown("run", "run", "--threads", "2"), "[] 2")

    def test_help(self):
        for arguments in (["--help"], ["-h"], ["run", "--help"], ["run", "app.py", "-h"], ["--threads", "x", "--help"]):
            with self.subTest(arguments):
                text = self.output(*arguments)
                self.assertIn("tonio run [options] SCRIPT", text)
                self.assertIn("Examples:", text)
                self.assertIn("[TONIO_SHUTDOWN_TIMEOUT]", text)

    def test_help_of_the_script(self):
        self.assertTrue(self.shown("app.py", "--help").startswith("['--help']"))

    def test_version(self):
        for arguments in (["--version"], ["run", "--version"]):
            self.assertRegex(
                self.output(*arguments),
                r"\Atonio \d+\.\d+\.\d+\nPython 3\.\d+\.\d+\S* free-threaded\nlibuv 1\.\d+\.\d+\nmbedTLS \d+\.\d+\.\d+\n"
                r"compiler (GCC|Clang) \d+.*\n\Z")

    def test_nothing_at_all(self):
        done = self.tonio()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("tonio run [options] SCRIPT", done.stderr)

    def test_the_log_tells_start_and_stop(self):
        self.write("does.py", "async def main(): print('done')\n")
        done = self.tonio("run", "--log-level", "debug", "does.py")
        self.assertEqual((done.returncode, done.stdout), (0, "done\n"))
        for part in ("with CPython 3.", "virtual environment", "event loop is open", "workers have been started",
                     "runtime stops", "runtime has stopped"):
            self.assertIn(part, done.stderr)
        self.assertEqual(self.tonio("run", "does.py").stderr, "")

    def test_log_file(self):
        self.output("run", "app.py", "--log-level", "trace", "--log-file", "log.txt")
        self.assertTrue((self.folder / "log.txt").exists())


main()
