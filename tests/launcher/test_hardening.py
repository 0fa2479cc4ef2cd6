"""The binary and the commands that compile it have the hardening that SECURITY.md promises."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from case import ROOT, TONIO, main

BUILD = pathlib.Path(os.environ["TONIO_BUILD_DIR"])
READELF = shutil.which("readelf")
FLAGS = ("-fstack-protector-strong", "-fstack-clash-protection", "-D_GLIBCXX_ASSERTIONS")


def option(name):
    cache = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:\w+=(.*)$", cache, re.M)
    return found[1] if found else ""


def readelf(*options, file=TONIO):
    return subprocess.run([READELF, "-W", *options, file], capture_output=True, text=True, check=True).stdout


@unittest.skipIf(
    any(option(f"TONIO_{name}") == "ON" for name in ("ASAN", "TSAN", "UBSAN")),
    "sanitizers take the place of these checks",
)
class Hardening(unittest.TestCase):
    @unittest.skipUnless(READELF, "binutils are not installed")
    def test_the_binary(self):
        headers = readelf("-h", "-l", "-d", "-s")
        self.assertRegex(headers, r"Type:\s+DYN \(Position-Independent Executable")
        self.assertRegex(headers, r"FLAGS_1\).*\bNOW\b.*\bPIE\b")
        self.assertIn("GNU_RELRO", headers)
        # Nothing that is both written and run, the stack included.
        self.assertRegex(headers, r"GNU_STACK .* RW  0x")
        self.assertNotRegex(headers, r"LOAD .* RWE ")
        self.assertNotIn("TEXTREL", headers)
        self.assertIn("__stack_chk_fail", headers)
        # An empty or relative entry would load libraries from the current folder.
        for path in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", headers):
            for entry in path.split(":"):
                self.assertRegex(entry, r"^(/|\$ORIGIN)")

    @unittest.skipUnless(READELF, "binutils are not installed")
    def test_the_libraries_that_bootstrap_builds(self):
        """Each object says with which flags it was compiled."""
        linked = set(re.findall(r"\S+/lib(?:uv|mbed\w+)\.a", (BUILD / "build.ninja").read_text()))
        ours = [path for path in map(pathlib.Path, linked) if (path.parents[1] / "tonio-build").exists()]
        if not ours:
            self.skipTest("the system's libraries are used")
        for path in ours:
            said = readelf("--debug-dump=info", "--dwarf-depth=1", file=path)
            producers = re.findall(r"DW_AT_producer *: .*?(GNU C.*)", said)
            self.assertGreater(len(producers), 3, path)
            for producer in producers:
                self.assertLessEqual(set(FLAGS[:2]), set(producer.split()), path)
            symbols = readelf("-s", file=path)
            self.assertRegex(symbols, r" UND __stack_chk_fail\b", path)
            # _FORTIFY_SOURCE is no flag that an object tells of; it shows where there is a size to check.
            self.assertRegex(symbols, r" UND __(mem|sn?printf)\w*_chk\b", path)

    def test_all_of_our_sources(self):
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        fortified = option("CMAKE_BUILD_TYPE") in ("Release", "RelWithDebInfo", "MinSizeRel")
        seen = 0
        for entry in commands:
            source = pathlib.Path(entry["file"])
            if not source.is_relative_to(ROOT / "runtime") and not source.is_relative_to(ROOT / "launcher"):
                continue
            seen += 1
            words = entry["command"].split()
            for flag in FLAGS + (("-D_FORTIFY_SOURCE=3",) if fortified else ()):
                self.assertIn(flag, words, source)
            self.assertTrue({"-fPIE", "-fPIC"} & set(words), source)
        self.assertGreater(seen, 100)


main()
