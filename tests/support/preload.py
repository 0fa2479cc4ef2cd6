"""Libraries that take the place of the system's calls in a program under test (LD_PRELOAD)."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest
import weakref

COMPILER = shutil.which("cc")
needs_compiler = unittest.skipUnless(COMPILER, "there is no C compiler")


class Preload:
    """Compiles `source`, C; `environment` is what makes a program use it, as long as this lives."""

    def __init__(self, source):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tonio-preload-"))
        weakref.finalize(self, shutil.rmtree, folder)
        text, library = folder / "preload.c", folder / "preload.so"
        text.write_text("#define _GNU_SOURCE\n#include <dlfcn.h>\n" + source)
        subprocess.run(
            [COMPILER, "-O1", "-shared", "-fPIC", text, "-o", library, "-ldl"], check=True, timeout=60
        )
        self.environment = {"LD_PRELOAD": str(library), "ASAN_OPTIONS": "verify_asan_link_order=0"}
