"""A program in each notation is found to be right by a strict type checker, and runs; mistakes
are found."""

import ast
import pathlib
import re
import subprocess
import tempfile
import unittest

from checker import ROOT, TIMEOUT, TONIO, VERSIONS, CheckerCase, clean_environment
from checker import lines_with_errors, main

HERE = pathlib.Path(__file__).parent
PROGRAMS = [HERE / "generators.py", HERE / "coroutines.py"]
MODULES = ("", ".exceptions", ".fs", ".io", ".net", ".net.tls", ".sync", ".sync.channel",
           ".time", ".types")


def names_in(path):
    """All names that a program uses."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                names.add(name)
    return names


def public_names(package):
    script = f"import importlib\nfor name in {MODULES}:\n" \
        f"    print(*importlib.import_module({package!r} + name).__all__)\n"
    done = subprocess.run(
        [TONIO, "-c", script], capture_output=True, text=True, check=True, timeout=TIMEOUT,
        env=clean_environment(),
    )
    return set(done.stdout.split())


class Programs(CheckerCase):
    def test_are_right(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                self.accept(*PROGRAMS, version=version)

    def test_examples_of_the_guide_are_right(self):
        text = (ROOT / "docs/guide/typing.md").read_text()
        examples = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
        self.assertGreater(len(examples), 3)
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            paths = [pathlib.Path(folder, f"example_{at}.py") for at in range(len(examples))]
            for path, example in zip(paths, examples):
                path.write_text(example)
            self.accept(*paths)

    def test_mistakes_are_found(self):
        path = HERE / "mistakes.py"
        lines = path.read_text().splitlines()
        expected = {at for at, line in enumerate(lines, 1) if line.endswith("# expect-error")}
        self.assertGreater(len(expected), 40)
        for version in VERSIONS:
            with self.subTest(version=version):
                code, output = self.check(path, version=version)
                self.assertEqual(code, 1)
                self.assertEqual(lines_with_errors(output), expected)


class TheSame(unittest.TestCase):
    """Without a checker."""

    def test_they_run(self):
        for program in PROGRAMS:
            with self.subTest(program=program.name):
                done = subprocess.run(
                    [TONIO, "run", program], capture_output=True, text=True, timeout=TIMEOUT,
                    env=clean_environment(),
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout.startswith(program.stem))

    def test_they_have_every_public_name(self):
        for program, package in zip(PROGRAMS, ("tonio", "tonio.colored")):
            missing = public_names(package) - names_in(program)
            self.assertEqual(missing, set(), program.name)


if __name__ == "__main__":
    main()
