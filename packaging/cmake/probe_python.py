"""Prints what CMake and packaging/bootstrap must know of an interpreter, one
`key=value` per line. Exits with 1 and one line on standard error when it can't
be embedded."""

import os
import sys
import sysconfig


def libpython(var):
    """(path, is_shared) of the library to link, or None."""
    version = var("LDVERSION")
    shared = [var("INSTSONAME"), var("LDLIBRARY"), f"libpython{version}.so"]
    static = [f"libpython{version}.a"]
    folders = [
        os.path.join(sys.base_prefix, "lib"),
        var("LIBDIR"),
        os.path.join(var("LIBDIR") or "", var("MULTIARCH") or ""),
        var("LIBPL"),
    ]
    names = shared if var("Py_ENABLE_SHARED") else static
    for name in names:
        for folder in folders:
            if name and folder:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and (".so" in name) == bool(var("Py_ENABLE_SHARED")):
                    return os.path.realpath(path)
    return None


def main():
    var = sysconfig.get_config_var
    what = f"{sys.executable} (CPython {sys.version.split()[0]})"
    if sys.implementation.name != "cpython" or sys.version_info < (3, 13):
        sys.exit(f"{what} is not CPython 3.13 or newer; tonio embeds free-threaded CPython 3.13 or newer")
    if not var("Py_GIL_DISABLED"):
        sys.exit(f"{what} is a build with the GIL; tonio embeds free-threaded CPython (python3.Nt) only")
    include = sysconfig.get_path("include")
    if not os.path.isfile(os.path.join(include, "Python.h")):
        sys.exit(f"{what} has no headers ({include}/Python.h); install its development files")
    library = libpython(var)
    if library is None:
        sys.exit(f"{what} has no libpython to link; install its development files")
    arguments = (var("CONFIG_ARGS") or "") + (var("CFLAGS") or "")
    sanitizer = "thread" if "thread-sanitizer" in arguments or "fsanitize=thread" in arguments else ""
    facts = {
        "executable": getattr(sys, "_base_executable", None) or sys.executable,
        "prefix": sys.base_prefix,
        "version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "full_version": sys.version.split()[0],
        "abiflags": sys.abiflags,
        "include": include,
        "library": library,
        "link": "shared" if var("Py_ENABLE_SHARED") else "static",
        "libs": " ".join(filter(None, [var("LIBS"), var("SYSLIBS"), var("MODLIBS") and " ".join(
            w for w in var("MODLIBS").split() if w.startswith("-l"))])),
        "sanitizer": sanitizer,
    }
    for key, value in facts.items():
        print(f"{key}={value}")


main()
