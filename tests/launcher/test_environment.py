"""The TONIO_* variables: command line beats environment beats the script."""

from case import COUNT_WORKERS, LauncherCase, main

SHOW = f"""
    import tonio

    async def program():
        print({COUNT_WORKERS})

    tonio.run(program(), threads=1)
"""

BAD = [
    ("TONIO_THREADS", "0", "1 to 1024"),
    ("TONIO_THREADS", "many", "'many'"),
    ("TONIO_BLOCKING_THREADS", "-1", "'-1'"),
    ("TONIO_BLOCKING_TTL", "nan", "seconds"),
    ("TONIO_CONTEXT", "perhaps", "'perhaps'"),
    ("TONIO_SIGNALS", "HUP,NOPE", "'NOPE'"),
    ("TONIO_SIGNALS", "KILL", "'KILL'"),
    ("TONIO_SIGNALS", "SEGV", "'SEGV' tells of a fault"),
    ("TONIO_DUMP_SIGNAL", "ILL", "'ILL' tells of a fault"),
    ("TONIO_VENV", "/no/such/venv", "/no/such/venv"),
    ("TONIO_GIL", "off", "error nor warn"),
    ("TONIO_LOG_LEVEL", "loud", "warn"),
    ("TONIO_SHUTDOWN_TIMEOUT", "1e99", "seconds"),
]


class Environment(LauncherCase):
    def setUp(self):
        super().setUp()
        self.write("app.py", SHOW)

    def test_the_script_alone(self):
        self.assertEqual(self.output("run", "app.py"), "1\n")

    def test_environment_beats_the_script(self):
        self.assertEqual(self.output("run", "app.py", env={"TONIO_THREADS": "3"}), "3\n")

    def test_command_line_beats_the_environment(self):
        self.assertEqual(self.output("run", "app.py", "--threads", "2", env={"TONIO_THREADS": "3"}), "2\n")

    def test_a_bad_value_that_is_beaten_does_not_matter(self):
        self.assertEqual(self.output("run", "app.py", "--threads", "2", env={"TONIO_THREADS": "x"}), "2\n")

    def test_an_empty_variable_is_none(self):
        self.assertEqual(self.output("run", "app.py", env={"TONIO_THREADS": "", "TONIO_VENV": ""}), "1\n")

    def test_entry(self):
        self.write("two.py", "def one(): print(1)\ndef two(): print(2)\n")
        self.assertEqual(self.output("run", "two.py", env={"TONIO_ENTRY": "one"}), "1\n")
        self.assertEqual(self.output("run", "two.py:two", env={"TONIO_ENTRY": "one"}), "2\n")
        self.assertEqual(self.output("run", "two.py", "--entry", "two", env={"TONIO_ENTRY": "one"}), "2\n")

    def test_a_switch(self):
        for value in ("1", "true", "yes", "ON", "0", "false", "no", "off"):
            self.assertEqual(self.output("run", "app.py", env={"TONIO_CONTEXT": value}), "1\n")

    def test_a_bad_value_names_its_variable(self):
        for variable, value, part in BAD:
            with self.subTest(variable=variable, value=value):
                names = "" if variable == "TONIO_VENV" else f"tonio: {variable}: "
                self.refused("run", "app.py", env={variable: value}, says=[names, part])

    def test_a_bad_value_does_not_hide_the_help(self):
        self.assertIn("Examples", self.output("--help", env={"TONIO_THREADS": "x"}))
        self.assertIn("libuv", self.output("--version", env={"TONIO_THREADS": "x"}))

    def test_the_launcher_leaves_no_options_in_the_environment(self):
        self.write("env.py", "import os; print(sorted(n for n in os.environ if n.startswith('TONIO_')))")
        self.assertEqual(self.output("run", "--threads", "2", "env.py"), "[]\n")


main()
