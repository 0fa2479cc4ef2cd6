"""Checks that every #include of runtime/ and launcher/ keeps to the direction
of dependencies of docs/architecture.md.

    includes.py ROOT | includes.py --self-test
"""

import pathlib
import re
import sys
import tempfile

# What a folder may include. `base` is open to all, and so is the folder itself.
ALLOWED = {
    "base": set(),
    "task": set(),
    "scheduler": {"task"},
    "reactor": {"task"},
    "sync": {"task"},
    "net": {"task", "reactor"},
    "tls": set(),
    "core": {"scheduler", "reactor", "net", "sync", "task", "tls"},
    "python": {"core", "scheduler", "reactor", "net", "sync", "task", "tls"},
    "launcher": {"python", "core", "tls"},
}

# Where a dependency's headers may be included: paths of folders or files,
# without their extension.
OWNERS = {
    r"Python\.h|structmember\.h|cpython/.*|internal/pycore_.*": ["runtime/python", "launcher"],
    r"uv\.h|uv/.*": ["runtime/reactor"],
    r"mbedtls/.*|psa/.*": ["runtime/tls"],
    r"spdlog/.*|fmt/.*": ["runtime/base/log"],
    r"CLI/.*": ["launcher"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
SOURCES = {".h", ".hpp", ".c", ".cc", ".cpp", ".inc"}


def problems(root):
    for top in ("runtime", "launcher"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                yield from problems_of(root, path)


def problems_of(root, path):
    name = path.relative_to(root).as_posix()
    folder = name.split("/")[0 if name.startswith("launcher/") else 1]
    if folder not in ALLOWED:
        yield f"{name}: runtime/{folder} has no place in the direction of dependencies (tests/checks/includes.py)"
        return
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        header = match[2]
        where = f"{name}:{text.count(chr(10), 0, match.start(2)) + 1}"
        for pattern, owners in OWNERS.items():
            if re.fullmatch(pattern, header) and not owned(name, owners):
                yield f"{where}: <{header}> belongs to {', '.join(owners)} only"
        target = header.split("/")[0] if "/" in header else folder
        if target in ALLOWED and target not in {folder, "base"} | ALLOWED[folder]:
            yield f"{where}: {folder} must not include {header}"
        if ".." in header.split("/"):
            yield f'{where}: include "<folder>/<file>" instead of {header}'


def owned(name, owners):
    stem = name.rsplit(".", 1)[0]
    return any(stem == owner or name.startswith(owner + "/") for owner in owners)


def self_test():
    good = {
        "runtime/base/log.cpp": "#include <spdlog/spdlog.h>",
        "runtime/net/socket.h": '#include "reactor/reactor.h"\n#include "base/log.h"',
        "runtime/python/module.cpp": '#include <Python.h>\n#include "core/runtime.h"',
        "launcher/main.cpp": "#include <CLI/CLI.hpp>\n#include <vector>",
    }
    bad = {
        "runtime/base/a.h": '#include "task/task.h"',
        "runtime/base/mutex.cpp": "#include <spdlog/spdlog.h>",
        "runtime/task/a.h": "  # include <Python.h>",
        "runtime/scheduler/a.cpp": '#include "reactor/reactor.h"',
        "runtime/reactor/a.cpp": '#include "scheduler/worker.h"',
        "runtime/net/a.cpp": "#include <uv.h>",
        "runtime/core/a.cpp": '#include "python/embed.h"',
        "runtime/python/a.cpp": "#include <mbedtls/ssl.h>",
        "runtime/tls/a.cpp": '#include "net/socket.h"',
        "runtime/sync/a.cpp": '#include "../base/a.h"',
        "runtime/other/a.cpp": "",
        "launcher/a.cpp": '#include "scheduler/worker.h"',
    }
    for files, expected in ((good, False), *(({k: v}, True) for k, v in bad.items())):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            found = list(problems(root))
            if bool(found) != expected:
                sys.exit(f"self-test: {files} gave {found}")


def main():
    if "--self-test" in sys.argv:
        return self_test()
    found = list(problems(pathlib.Path(sys.argv[1])))
    print(*found, sep="\n")
    sys.exit(1 if found else 0)


main()
