"""The guide's and the README's examples run and print what stands below them.

Every ```python block is a program of its own. A ```text block says what the python blocks
directly before it print: one, or all of the table that ends there. Those that import pytest
are files of tests. Other programs' code stands in ```py blocks, which nobody runs.
"""

import pathlib
import re
import subprocess
import tempfile
import unittest

from libraries import library, python_path
from programs import TIMEOUT, TONIO, clean_environment
from pytest_runs import OPTIONS
from sanitizers import THREAD_SANITIZER
from scenarios import main

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md"))]


class Example:
    def __init__(self, page, line, text, output=None):
        self.place = f"{page.name}:{line}"
        self.name = f"{page.stem}_{line}".replace("-", "_").lower()
        self.text = text
        self.output = output


def examples(page):
    """The page's programs, in order."""
    found, waiting = [], []
    language, block, start, in_table = None, [], 0, False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if language is None:
            fence = re.match(r"```(\w*)", line)
            if fence:
                language, block, start = fence[1], [], number
            else:
                # Whatever stands between a program and a text parts them.
                if line.strip() and not in_table and not line.startswith("</td>"):
                    waiting = []
                in_table = (in_table or "<table>" in line) and "</table>" not in line
        elif line == "```":
            text = "".join(f"{each}\n" for each in block)
            if language == "python":
                found.append(Example(page, start, text))
                waiting.append(found[-1])
            elif language == "text":
                for example in waiting:
                    example.output = text
            language = None
        else:
            block.append(line)
    return found


class Reading(unittest.TestCase):
    """The examples are found at all."""

    def test_every_page_has_some(self):
        self.assertGreater(len(PAGES), 10)
        for page in PAGES:
            self.assertTrue(examples(page), page)

    def test_a_text_belongs_to_what_stands_before_it(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            page = pathlib.Path(folder, "page.md")
            page.write_text(
                "```python\na\n```\n\n<table><tr><td>\n\nx\n\n```python\nb\n```\n</td><td>\n\n"
                "y\n\n```python\nc\n```\n</td></tr></table>\n\n```text\nout\n```\n\n"
                "```py\nno\n```\nwords\n```python\nd\n```\nwords\n```text\nother\n```\n"
            )
            got = [(example.text, example.output) for example in examples(page)]
        self.assertEqual(got, [("a\n", None), ("b\n", "out\n"), ("c\n", "out\n"), ("d\n", None)])


# What an example may import, and why it can't here.
MISSING = {name: library(name)[1] for name in ("trio", "pytest")}


class Guide(unittest.TestCase):
    maxDiff = None

    def run_example(self, example):
        environment = clean_environment()
        for name, reason in MISSING.items():
            if f"import {name}\n" in example.text:
                if reason:
                    self.skipTest(reason)
                environment["PYTHONPATH"] = python_path()
        of_tests = "import pytest\n" in example.text
        if of_tests and THREAD_SANITIZER:
            self.skipTest("pytest's imports take minutes with ThreadSanitizer")
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            path = pathlib.Path(folder, "app.py")
            path.write_text(example.text)
            command = ["-m", "pytest", "-q", *OPTIONS] if of_tests else ["run"]
            done = subprocess.run(
                [TONIO, *command, str(path)], cwd=folder, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=TIMEOUT, env=environment,
            )
        said = f"{example.place}\n{done.stdout}{done.stderr}"
        self.assertEqual((done.returncode, done.stderr), (0, ""), said)
        self.assertNotIn("warning", done.stdout if of_tests else "", said)
        if example.output is not None:
            self.assertEqual(done.stdout, example.output, said)


def add(example):
    setattr(Guide, f"test_{example.name}", lambda self: self.run_example(example))


for page in PAGES:
    for example in examples(page):
        add(example)

if __name__ == "__main__":
    main()
