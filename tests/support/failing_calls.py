"""Tests that run programs in which malloc fails (failing_malloc.py)."""

import pathlib
import re
import unittest

import failing_malloc
from preload import Preload, needs_compiler
from programs import run_program
from sanitizers import SANITIZED

COMMON = """
    import os, socket as names
    import tonio, tonio.io, tonio.time
    from failing_malloc import Failing, walk
    from tonio import net
    from tonio.net import socket, tls
    from tonio.sync import Barrier, Lock, Semaphore, channel

    tonio.as_completed, tonio.open_process, tonio.run_process, tonio.select  # imported with the first use

    def main():
        yield tonio.run_process(["/bin/true"])  # imports
        for case in CASES:
            print(case.__name__, (yield walk(case)) > 0)

    ran = []

    def child(result=None):
        ran.append(result)
        yield
        return result
"""


@needs_compiler
@unittest.skipIf(SANITIZED, "a sanitizer has a malloc of its own")
class FailingCalls(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.preload = Preload(failing_malloc.SOURCE)

    def run_failing(self, text, *options):
        environment = self.preload.environment | {
            "PYTHONPATH": str(pathlib.Path(failing_malloc.__file__).parent),
            "PYTHONWARNINGS": "ignore",  # what was refused was never awaited
        }
        return run_program(text, "--threads", "1", *options, environment=environment)

    def check(self, text, *lines, options=()):
        done = self.run_failing(text, *options)
        self.assertEqual((done.code, done.out.splitlines(), done.err), (0, list(lines), ""))

    def check_cases(self, text, without=(), options=()):
        names = re.findall(r"^    def (\w+)\(failing\):", text, re.M)
        done = self.run_failing(COMMON + text, *options)
        expected = [f"{name} {name not in without}" for name in names]
        self.assertEqual((done.code, done.out.splitlines(), done.err), (0, expected, ""))
