"""Scripts that name tonio in their first line."""

import os

from case import COUNT_WORKERS, TONIO, LauncherCase, main

SCRIPT = """\
#!{line}
import sys

async def main():
    print(sys.argv[1:], {count})
"""


class Shebang(LauncherCase):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        (self.folder / "bin/tonio").symlink_to(TONIO)
        self.path = f"{self.folder}/bin:{os.environ['PATH']}"

    def run_script(self, line, *args, **env):
        script = self.write("script", SCRIPT.format(line=line, count=COUNT_WORKERS), mode=0o755)
        done = self.command(script, *args, env={"PATH": self.path, **env})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.strip()

    def test_env(self):
        self.assertEqual(
            self.run_script("/usr/bin/env tonio", "a", "--threads", "5", "--help", TONIO_THREADS="3"),
            "['a', '--threads', '5', '--help'] 3")

    def test_env_with_options(self):
        self.assertEqual(self.run_script("/usr/bin/env -S tonio run --threads 2", "a", "-v"), "['a', '-v'] 2")
        self.assertEqual(self.run_script("/usr/bin/env -S tonio --threads 2", "--threads", "9"), "['--threads', '9'] 2")

    def test_the_path_itself(self):
        self.assertEqual(self.run_script(TONIO, "x", TONIO_THREADS="1"), "['x'] 1")
        self.assertEqual(self.run_script(f"{TONIO} --threads=2", "x"), "['x'] 2")


main()
