"""What a script finds around itself: as under python."""

import json
import os
import shutil

from case import TONIO, LauncherCase, main

SHOW = """
    import json, sys
    print(json.dumps({
        "argv": sys.argv, "path0": sys.path[0], "file": __file__, "name": __name__, "executable": sys.executable,
        "cached": __cached__, "loader": type(__loader__).__name__, "spec": __spec__,
        "main": sys.modules["__main__"].__dict__ is globals(), "orig": sys.orig_argv,
        "same_prefix": sys.prefix == sys.base_prefix, "gil": sys._is_gil_enabled(),
    }))
"""


class ScriptContext(LauncherCase):
    def shown(self, *args, **options):
        return json.loads(self.output(*args, **options))

    def test_relative_path(self):
        self.write("sub/app.py", SHOW)
        found = self.shown("run", "sub/app.py", "a b", "ü", "")
        self.assertEqual(found, {
            "argv": ["sub/app.py", "a b", "ü", ""], "path0": f"{self.folder}/sub", "file": f"{self.folder}/sub/app.py",
            "name": "__main__", "executable": os.path.realpath(TONIO), "cached": None, "loader": "SourceFileLoader",
            "spec": None, "main": True, "orig": [TONIO, "run", "sub/app.py", "a b", "ü", ""], "same_prefix": True,
            "gil": False,
        })

    def test_dot_and_absolute_paths(self):
        self.write("app.py", SHOW)
        for path in ("./app.py", self.folder / "app.py"):
            found = self.shown("run", path)
            self.assertEqual((found["argv"][0], found["file"]), (str(path), f"{self.folder}/app.py"))

    def test_a_linked_script_finds_its_neighbours(self):
        self.write("real/app.py", SHOW)
        (self.folder / "link.py").symlink_to("real/app.py")
        found = self.shown("run", "link.py")
        self.assertEqual((found["path0"], found["file"]), (f"{self.folder}/real", f"{self.folder}/link.py"))

    def test_neighbours_can_be_imported(self):
        self.write("helper.py", "value = 42")
        self.write("app.py", "import helper; print(helper.value)")
        self.assertEqual(self.output("run", self.folder / "app.py", cwd="/"), "42\n")

    def test_odd_names(self):
        self.write("ein ü:b.py", SHOW)
        self.assertEqual(self.shown("run", "ein ü:b.py")["file"], f"{self.folder}/ein ü:b.py")

    def test_python_path(self):
        self.write("lib/helper.py", "value = 42")
        self.write("app.py", "import sys, helper; print(helper.value, sys.path[1])")
        self.assertEqual(self.output("run", "app.py", env={"PYTHONPATH": "lib"}), f"42 {self.folder}/lib\n")

    def test_python_variables(self):
        self.write("app.py", """
            import sys, warnings
            print(sys.flags.dev_mode, sys.flags.safe_path, sys.flags.utf8_mode, sys.flags.dont_write_bytecode, sys.warnoptions[:1])
        """)
        env = {"PYTHONDEVMODE": "1", "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self.assertEqual(self.output("run", "app.py", env=env), "True True 1 1 ['default']\n")
        self.assertEqual(
            self.output("run", "app.py", env={"PYTHONWARNINGS": "ignore"}), "False False 0 0 ['ignore']\n")

    def test_safe_path_keeps_the_folder_out(self):
        self.write("app.py", "import sys; print(sys.path[0])")
        self.assertNotEqual(self.output("run", "app.py", env={"PYTHONSAFEPATH": "1"}), f"{self.folder}\n")
        self.assertEqual(self.output("run", "app.py"), f"{self.folder}\n")

    def test_the_c_locale(self):
        self.write("ü.py", "print('ü', __file__)")
        for locale in ("C", "POSIX"):
            self.assertEqual(self.output("run", "ü.py", env={"LC_ALL": locale, "LANG": None}), f"ü {self.folder}/ü.py\n")

    def test_pickle_finds_main(self):
        self.write("app.py", """
            import pickle
            class Thing:
                pass
            print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
        """)
        self.assertEqual(self.output("run", "app.py"), "True\n")

    def test_a_python_beside_the_binary(self):
        stdlib = self.output("-c", "import os; print(os.path.dirname(os.__file__))").strip()
        (self.folder / "bin").mkdir()
        (self.folder / "lib").mkdir()
        shutil.copy2(TONIO, self.folder / "bin/tonio")
        (self.folder / "lib" / os.path.basename(stdlib)).symlink_to(stdlib)
        self.write("app.py", "import os, sys; print(sys.prefix, sys.base_prefix, os.__file__)")
        for arguments in (["run", "app.py"], ["-u", "app.py"]):
            done = self.command(self.folder / "bin/tonio", *arguments)
            self.assertEqual(
                done.stdout, f"{self.folder} {self.folder} {self.folder}/lib/{os.path.basename(stdlib)}/os.py\n", done.stderr)

    def test_start_up_imports_nothing_that_python_does_not(self):
        self.write("app.py", "import sys; print(*sys.modules)")
        ours = set(self.output("run", "app.py").split())
        python = set(self.output("-c", "import sys; print(*sys.modules)").split())
        self.assertLessEqual(ours - python, {"atexit"})


main()
