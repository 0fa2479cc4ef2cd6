"""The package itself is clean under a strict type checker, where it is and where it is
installed."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from checker import ROOT, TIMEOUT, VERSIONS, CheckerCase, main

STDLIB = ROOT / "stdlib"
HERE = pathlib.Path(__file__).parent


def shipped(folder):
    """The files with types below a folder."""
    kinds = {".py", ".pyi", ".typed"}
    return {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in kinds}


def install(prefix):
    """Installs the types as `cmake --install` does; gives the folder for a checker."""
    subprocess.run(
        ["cmake", "--install", os.environ["TONIO_BUILD_DIR"], "--prefix", prefix,
         "--component", "types"],
        check=True, capture_output=True, timeout=TIMEOUT,
    )
    return pathlib.Path(prefix, "share/tonio/python")


class Package(CheckerCase):
    def test_is_clean(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                self.accept("-p", "tonio", version=version)
                self.accept(STDLIB / "_tonio.pyi", version=version)

    def test_a_program_is_checked_against_what_is_installed(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as prefix:
            self.accept(HERE / "coroutines.py", path=install(prefix))


class Installed(unittest.TestCase):
    def test_has_every_file(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as prefix:
            files = shipped(install(prefix))
        self.assertIn(pathlib.Path("tonio/py.typed"), files)
        self.assertEqual(files, shipped(STDLIB))


if __name__ == "__main__":
    main()
