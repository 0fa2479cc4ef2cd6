"""Each bad input gets one clear line that names the thing, and an exit code."""

import os
import shutil

from case import TONIO, LauncherCase, main


class BadInput(LauncherCase):
    def setUp(self):
        super().setUp()
        self.write("app.py", "def serve(): pass\ndef work(): pass\n_hidden = 1\n")

    def test_option_values(self):
        for name, value in [
            ("--threads", "0"), ("--threads", "x"), ("--threads", "1.5"), ("--threads", "-1"), ("--threads", "99999"),
            ("--threads", ""), ("--blocking-threads", "0"), ("--blocking-ttl", "-1"), ("--blocking-ttl", "soon"),
            ("--signals", "NOPE"), ("--signals", ""), ("--signals", "STOP"), ("--signals", "0"), ("--signals", "HUP,"),
            ("--gil", "on"), ("--log-level", "loud"), ("--shutdown-timeout", "inf"), ("--entry", ""),
        ]:
            with self.subTest(name=name, value=value):
                self.refused("run", name, value, "app.py", says=[f"tonio: {name}: "])
                self.refused("run", "app.py", f"{name}={value}", says=[f"tonio: {name}: "])
                self.refused(name, value, "app.py", says=[f"tonio: {name}: "])

    def test_a_value_is_missing(self):
        self.refused("run", "app.py", "--threads", says="--threads needs a value")
        self.refused("--threads", says="--threads needs a value")

    def test_unknown_options_before_the_script(self):
        self.refused("run", "--treads", "2", "app.py", says=["'--treads'", "did you mean '--threads'"])
        self.refused("--treads", "2", "app.py", says=["'--treads'", "did you mean '--threads'"])
        self.refused("run", "--nonsense=2", "app.py", says=["'--nonsense'", "tonio --help"])
        self.refused("run", "-u", "app.py", says=["'-u'", "PYTHONUNBUFFERED"])
        self.refused("run", "-m", "timeit", says="tonio -m")

    def test_no_script(self):
        self.refused("run", says="no script")
        self.refused("--threads", "2", says="no script")
        self.refused("run", "--", says="no script")

    def test_a_script_that_is_not_there(self):
        self.refused("run", "missing.py", says=["'missing.py'", "No such file"])
        self.refused("missing.py", says=["'missing.py'", "No such file"])
        self.refused("run", "missing.py:serve", says=["'missing.py'", "No such file"])
        self.refused("run", "app", says=["'app'", "did you mean 'app.py'"])
        self.refused("run", "app.py/x", says="Not a directory")

    def test_a_script_that_can_not_be_read(self):
        (self.folder / "app.py").chmod(0)
        command = [TONIO, "run", "app.py"]
        if os.access(self.folder / "app.py", os.R_OK):  # root, until it gives that up
            if not shutil.which("setpriv"):
                self.skipTest("root reads everything, and there is no setpriv")
            capabilities = "-dac_override,-dac_read_search"
            command = ["setpriv", "--bounding-set", capabilities, "--inh-caps", capabilities, *command]
        done = self.command(*command)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, r"\Atonio: [^\n]*'app\.py': Permission denied[^\n]*\n\Z")

    def test_a_folder(self):
        self.refused("run", ".", code=1, says=["'.'", "__main__.py"])

    def test_log_file(self):
        self.refused("run", "app.py", "--log-file", "/proc/nope/log", says=["--log-file", "/proc/nope/log"])
        # A mistyped folder isn't made.
        self.refused("run", "app.py", "--log-file", "logz/log", says=["logz/log", "No such file"])
        self.assertFalse((self.folder / "logz").exists())

    def test_entrypoints(self):
        self.refused("run", "app.py:nope", says=["'nope'", "serve, work"])
        self.refused("run", "app.py", "--entry", "nope", says=["'nope'", "serve, work"])
        self.refused("run", "app.py:_hidden", says=["'_hidden'", "can't be called"])

    def test_an_entrypoint_that_is_no_text(self):
        self.refused("run", "app.py", b"--entry=\xff", says=["\\udcff", "serve, work"])

    def test_syntax_error(self):
        self.write("bad.py", "x = 1\ndef f(:\n  pass\n")
        done = self.tonio("run", "bad.py")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            done.stderr,
            f'  File "{self.folder}/bad.py", line 2\n    def f(:\n          ^\nSyntaxError: invalid syntax\n')

    def test_a_script_that_is_no_text(self):
        (self.folder / "binary.py").write_bytes(b"x = '\xff'\n")
        done = self.tonio("run", "binary.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn("SyntaxError", done.stderr)


main()
