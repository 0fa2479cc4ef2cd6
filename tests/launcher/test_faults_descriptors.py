"""No descriptor is free: the program says so and ends with a code, however few there are."""

import re
import subprocess

from case import TONIO, LauncherCase, clean_environment, main

PROGRAM = """
    import tonio
    def main():
        yield tonio.sleep(0)
        yield tonio.spawn_blocking(len, "")
        print("ran")
"""
# From what the system's loader takes for the libraries to what is enough for any program.
LIMITS = range(4, 25)
CANNOT_START = "RuntimeError: tonio can't start: the event loop can't be made: too many open files"


class Descriptors(LauncherCase):
    def limited(self, command, limit):
        return subprocess.run(
            ["bash", "-c", f'ulimit -n {limit}; exec "$TONIO" {command}'], cwd=self.folder,
            env=clean_environment(TONIO=TONIO), capture_output=True, text=True, timeout=60)

    def check(self, command):
        self.write("app.py", PROGRAM)
        codes = []
        for limit in LIMITS:
            with self.subTest(limit=limit, command=command):
                done = self.limited(command, limit)
                codes.append(done.returncode)
                if done.returncode == 0:
                    self.assertEqual((done.stdout, done.stderr), ("ran\n", ""))
                    continue
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                if "runtime error: " in done.stderr:
                    continue  # UndefinedBehaviorSanitizer can't look at types without descriptors
                error = re.sub(r"^Traceback .*\n(  .*\n)+", "", done.stderr)
                self.assertEqual(error.count("\n"), 1, done.stderr)
                self.assertRegex(done.stderr, r"(?i)too many open files")
                if limit < 8:
                    self.assertEqual(done.stderr.splitlines()[-1], CANNOT_START)
        self.assertEqual((codes[0], codes[-1]), (1, 0))

    def test_run(self):
        for threads in ("1", "2", "8"):
            self.check(f"run app.py --threads {threads}")

    def test_as_python(self):
        self.check("-c 'import app, tonio; tonio.run(app.main())'")


main()
