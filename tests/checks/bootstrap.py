"""Checks that packaging/bootstrap names what is wrong, says what to do, and
fails, before it installs or builds anything.

    bootstrap.py ROOT
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def check(root, arguments, *expected, **environment):
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [root / "packaging/bootstrap", *arguments],
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, "TONIO_CACHE": cache, **environment},
        )
    lines = done.stderr.strip().splitlines()
    if done.returncode == 0 or done.stdout or len(lines) > 2 or not all(word in done.stderr for word in expected):
        sys.exit(f"bootstrap {arguments}: exit {done.returncode}, {done.stdout!r}, {done.stderr!r}")


def main():
    root = pathlib.Path(sys.argv[1])
    check(root, ["--frobnicate", "setup"], "--frobnicate", "--help")
    check(root, ["frobnicate"], "frobnicate", "--help")
    check(root, ["--python"], "--python", "--help")
    check(root, ["run"], "needs a script", "samples/hello.py")
    check(root, ["build", "dev", "asan"], "one preset")
    check(root, ["--python-link", "both", "setup"], "shared or static")
    check(root, ["--python", "/no/such/python", "setup"], "/no/such/python")
    check(root, ["setup"], "/no/such/python", TONIO_PYTHON="/no/such/python")
    check(root, ["--python-source", "/no/such/file", "setup"], "/no/such/file")
    check(root, ["setup"], "/proc/none", "TONIO_CACHE", TONIO_CACHE="/proc/none")

    ordinary = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if ordinary:
        check(root, ["--python", ordinary, "setup"], ordinary, "free-threaded")


main()
