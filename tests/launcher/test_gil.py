"""The GIL stays off, whatever is imported, and modules that may mind are named."""

import pathlib
import shutil
import subprocess
import unittest

from case import TONIO, LauncherCase, clean_environment, main
from sanitizers import NO_LEAK_CHECK

COMPILER = shutil.which("cc")

MODULE = """
#include <Python.h>
{slots}
static PyModuleDef definition = {{PyModuleDef_HEAD_INIT, "{name}", NULL, 0, NULL, {use_slots}, NULL, NULL, NULL}};
PyMODINIT_FUNC PyInit_{name}(void) {{ {init} }}
"""


def source(name, kind):
    slots = use_slots = ""
    init = "return PyModuleDef_Init(&definition);"
    if kind == "silent":  # the new way, without a word about the GIL
        slots, use_slots = "static PyModuleDef_Slot slots[] = {{0, NULL}};", "slots"
    elif kind == "declared":
        slots = "static PyModuleDef_Slot slots[] = {{Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};"
        use_slots = "slots"
    elif kind == "single":  # the old way
        use_slots, init = "NULL", "return PyModule_Create(&definition);"
    elif kind == "single_declared":
        use_slots = "NULL"
        init = "PyObject *m = PyModule_Create(&definition); PyUnstable_Module_SetGIL(m, Py_MOD_GIL_NOT_USED); return m;"
    return MODULE.format(name=name, slots=slots, use_slots=use_slots, init=init)


def interpreter(code):
    return subprocess.run(
        [TONIO, "-c", f"import sysconfig; print({code})"], env=clean_environment(), capture_output=True, text=True,
        check=True, timeout=60).stdout.strip()


@unittest.skipUnless(COMPILER, "there is no C compiler")
class ExtensionModules(LauncherCase):
    @classmethod
    def setUpClass(cls):
        cls.include = interpreter("sysconfig.get_path('include')")
        cls.suffix = interpreter("sysconfig.get_config_var('EXT_SUFFIX')")

    def build(self, *kinds):
        for kind in kinds:
            name = f"m_{kind}"
            path = self.write(f"{name}.c", source(name, kind))
            subprocess.run(
                [COMPILER, "-shared", "-fPIC", f"-I{self.include}", path, "-o", self.folder / (name + self.suffix)],
                check=True, timeout=60)

    def warning(self, name, file="app.py", line=1):
        return (f"{self.folder}/{file}:{line}: RuntimeWarning: extension module '{name}' doesn't declare that it runs "
                "without the GIL; the GIL stays off, and the module may misbehave when several threads use it "
                f"(--gil error refuses such modules)\n  import {name}\n")

    def test_each_is_named_once_and_the_gil_stays_off(self):
        self.build("silent", "single")
        self.write("app.py", """\
            import m_silent
            import m_single
            import sys
            for name in ("m_silent", "m_single"):
                del sys.modules[name]
                __import__(name)
            print(sys._is_gil_enabled())
        """)
        for arguments in (["run", "app.py"], ["app.py"], ["-u", "app.py"]):
            done = self.tonio(*arguments, "--gil", "warn") if arguments[0] == "run" else self.tonio(*arguments)
            self.assertEqual((done.returncode, done.stdout), (0, "False\n"), done.stderr)
            self.assertTrue(done.stderr.startswith(self.warning("m_silent") + self.warning("m_single", line=2)), done.stderr)

    def test_modules_that_declare_it_are_not_named(self):
        self.build("declared", "single_declared")
        self.write("app.py", "import m_declared, m_single_declared, sys\nprint(sys._is_gil_enabled())\n")
        self.assertEqual(self.output("run", "app.py"), "False\n")
        self.assertEqual(self.output("run", "app.py", "--gil", "error"), "False\n")

    def test_the_standard_library_is_not_named(self):
        self.write("app.py", """
            import array, ctypes, decimal, hashlib, json, multiprocessing, select, socket, sqlite3, ssl, zlib
            print("all")
        """)
        self.assertEqual(self.output("run", "app.py", "--gil", "error", env=NO_LEAK_CHECK), "all\n")

    def test_an_import_on_a_worker(self):
        self.build("silent")
        self.write("app.py", "async def main():\n    import m_silent\n    import sys\n    print(sys._is_gil_enabled())\n")
        done = self.tonio("run", "app.py")
        self.assertEqual((done.returncode, done.stdout), (0, "False\n"), done.stderr)
        self.assertEqual(done.stderr, self.warning("m_silent", line=2))

    def test_warning_filters_hold(self):
        self.build("silent")
        self.write("app.py", "import m_silent\n")
        self.assertEqual(self.output("run", "app.py", env={"PYTHONWARNINGS": "ignore::RuntimeWarning"}), "")
        done = self.tonio("run", "app.py", env={"PYTHONWARNINGS": "error::RuntimeWarning"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("RuntimeWarning: extension module 'm_silent'", done.stderr)

    def test_refusal(self):
        self.build("silent", "single")
        self.write("app.py", """\
            import sys
            for name in ("m_silent", "m_single"):
                try:
                    __import__(name)
                except ImportError as error:
                    print(error.name, error.path.endswith(".so"), "--gil warn" in str(error), name in str(error), name in sys.modules)
            print(sys._is_gil_enabled())
        """)
        expected = "m_silent True True True False\nm_single True True True False\nFalse\n"
        self.assertEqual(self.output("run", "app.py", "--gil", "error"), expected)
        self.assertEqual(self.output("run", "app.py", env={"TONIO_GIL": "error"}), expected)
        self.assertEqual(self.output("--gil", "error", "-u", "app.py"), expected)

    def test_children_hold_to_it(self):
        self.build("silent")
        self.write("app.py", """
            import subprocess, sys
            done = subprocess.run([sys.executable, "-c", "import m_silent"], capture_output=True, text=True)
            print(done.stderr.splitlines()[-1])
        """)
        self.assertTrue(self.output("run", "app.py", "--gil", "error").startswith("ImportError: extension module 'm_silent'"))

    def test_a_module_that_fails_to_load(self):
        (self.folder / ("broken" + self.suffix)).write_bytes(b"no library")
        self.write("app.py", "import broken\n")
        done = self.tonio("run", "app.py")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.splitlines()[-1], "^ImportError: ")

    def test_the_user_may_turn_the_gil_on(self):
        self.build("silent")
        self.write("app.py", "import m_silent, sys\nprint(sys._is_gil_enabled())\n")
        self.assertEqual(self.output("run", "app.py", env={"PYTHON_GIL": "1"}), "True\n")
        self.assertEqual(self.output("-X", "gil=1", "app.py"), "True\n")

    def test_another_libpython(self):
        library = interpreter("sysconfig.get_config_var('Py_ENABLE_SHARED')")
        if library != "1":
            self.skipTest("libpython is part of the executable")
        path = self.write("gil.c", 'const char *Py_GetVersion(void) { return "3.99.1 (main) [GCC]"; }\n')
        preload = pathlib.Path(self.folder / "gil.so")
        subprocess.run([COMPILER, "-shared", "-fPIC", path, "-o", preload], check=True, timeout=60)
        self.write("app.py", "print('ran')")
        for arguments in (["run", "app.py"], ["-c", "pass"]):
            env = {"LD_PRELOAD": str(preload), "ASAN_OPTIONS": "verify_asan_link_order=0"}
            self.refused(*arguments, code=1, env=env, says=["3.99.1", "the GIL", "LD_LIBRARY_PATH"])


main()
