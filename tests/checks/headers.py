"""Checks that every header of runtime/ and launcher/ compiles alone, and twice.

    headers.py (ROOT | --self-test) --compiler CXX [--system FOLDERS=DIRS]...

--system python,launcher=/a:/b adds dependency headers for these folders only:
a header that needs another folder's dependency fails.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile


def failures(root, compiler, system):
    headers = sorted(path for top in ("runtime", "launcher") for path in (root / top).rglob("*.h"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, error in zip(headers, pool.map(lambda h: compile_alone(root, h, compiler, system), headers)):
            if error:
                yield f"{header.relative_to(root)} does not compile alone:\n{error}"


def compile_alone(root, header, compiler, system):
    parts = header.relative_to(root).parts
    folder = parts[1] if parts[0] == "runtime" else parts[0]
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
    command += ["-I", root / "runtime", "-I", root / "launcher", "-x", "c++", "-"]
    for path in system.get(folder, []):
        command += ["-isystem", path]
    source = f'#include "{header}"\n' * 2
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return done.stderr if done.returncode else None


def self_test(compiler, system):
    for text, expected in (
        ("#pragma once\n#include <string>\nstd::string f();\n", False),
        ("#pragma once\nstd::string f();\n", True),
        ("struct Twice {};\n", True),
        ("#pragma once\n#include <Python.h>\n", True),
        ("#pragma once\ninline int f(int x) { int y; return x; }\n", True),
    ):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "runtime/base").mkdir(parents=True)
            (root / "launcher").mkdir()
            (root / "runtime/base/a.h").write_text(text)
            found = list(failures(root, compiler, system))
            if bool(found) != expected:
                sys.exit(f"self-test: {text!r} gave {found}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", nargs="?", type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--system", action="append", default=[])
    options = parser.parse_args()
    system = {}
    for entry in options.system:
        folders, _, paths = entry.partition("=")
        for folder in folders.split(","):
            # The compiler's own folder, named again, breaks its #include_next.
            system[folder] = [path for path in paths.split(":") if path not in ("", "/usr/include")]
    if options.self_test:
        return self_test(options.compiler, system)
    found = list(failures(options.root, options.compiler, system))
    print(*found, sep="\n")
    sys.exit(1 if found else 0)


main()
