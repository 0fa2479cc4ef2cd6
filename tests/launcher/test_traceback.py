"""Tracebacks show the script's lines and nothing of the launcher's."""

from case import LauncherCase, main


class Traceback(LauncherCase):
    def failure(self, text, *args, **options):
        self.write("app.py", text)
        done = self.tonio("run", "app.py", *args, **options)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def test_the_body(self):
        self.assertEqual(self.failure("def f():\n    raise ValueError('no')\nf()\n"), f"""\
Traceback (most recent call last):
  File "{self.folder}/app.py", line 3, in <module>
    f()
    ~^^
  File "{self.folder}/app.py", line 2, in f
    raise ValueError('no')
ValueError: no
""")

    def test_the_entrypoint(self):
        for text in ("async def main():\n    raise ValueError('no')\n", "def main():\n    raise ValueError('no')\n    yield\n"):
            self.assertEqual(self.failure(text), f"""\
Traceback (most recent call last):
  File "{self.folder}/app.py", line 2, in main
    raise ValueError('no')
ValueError: no
""")

    def test_a_decorated_entrypoint(self):
        text = "import tonio\n@tonio.main\nasync def program():\n    raise ValueError('no')\n"
        self.assertEqual(self.failure(text), f"""\
Traceback (most recent call last):
  File "{self.folder}/app.py", line 4, in program
    raise ValueError('no')
ValueError: no
""")

    def test_a_run_by_the_body(self):
        text = "import tonio\nasync def program():\n    raise ValueError('no')\ntonio.run(program())\n"
        self.assertEqual(self.failure(text), f"""\
Traceback (most recent call last):
  File "{self.folder}/app.py", line 4, in <module>
    tonio.run(program())
    ~~~~~~~~~^^^^^^^^^^^
  File "{self.folder}/app.py", line 3, in program
    raise ValueError('no')
ValueError: no
""")

    def test_an_error_of_the_package_keeps_its_frames(self):
        error = self.failure("import tonio\ntonio.run(42)\n")
        self.assertIn(f'File "{self.folder}/app.py", line 2, in <module>', error)
        self.assertIn('File "<tonio>/', error)
        self.assertIn("TypeError: ", error)

    def test_source_of_the_package(self):
        self.write("app.py", """
            import inspect, linecache, tonio
            source = inspect.getsource(tonio)
            print("import" in source, linecache.getline(tonio.__file__, 1) == source.splitlines(True)[0])
            print(inspect.getsource(tonio.runtime).lstrip().startswith(("def ", "class ")))
        """)
        self.assertEqual(self.output("run", "app.py"), "True True\nTrue\n")

    def test_faulthandler(self):
        self.write("app.py", "import faulthandler\nprint(faulthandler.is_enabled())\nfaulthandler._sigsegv()\n")
        done = self.tonio("run", "app.py", env={
            "PYTHONFAULTHANDLER": "1", "PYTHONUNBUFFERED": "1", "ASAN_OPTIONS": "handle_segv=0"})
        self.assertEqual((done.returncode, done.stdout), (-11, "True\n"))
        self.assertIn(f'File "{self.folder}/app.py", line 3 in <module>', done.stderr)

    def test_development_mode(self):
        self.write("app.py", """
            import faulthandler, warnings
            print(faulthandler.is_enabled())
            warnings.warn("shown", DeprecationWarning)
            async def main():
                print("main")
        """)
        done = self.tonio("run", "app.py", env={"PYTHONDEVMODE": "1"})
        self.assertEqual((done.returncode, done.stdout), (0, "True\nmain\n"))
        self.assertEqual(
            done.stderr,
            f'{self.folder}/app.py:4: DeprecationWarning: shown\n  warnings.warn("shown", DeprecationWarning)\n')


main()
