"""Virtual environments: which one is used, and what is said of one that can't be."""

import json
import os
import pathlib
import shutil
import subprocess

from case import TONIO, LauncherCase, clean_environment, main

SHOW = """
    import json, os, sys
    try:
        import in_venv
    except ImportError:
        in_venv = None
    print(json.dumps({
        "prefix": sys.prefix, "base": sys.base_prefix, "exec": sys.exec_prefix, "executable": sys.executable,
        "variable": os.environ.get("VIRTUAL_ENV"), "module": in_venv is not None and in_venv.__file__,
        "stdlib": os.__file__,
    }))
"""


def ask(code):
    return subprocess.run(
        [TONIO, "-c", f"import sys, sysconfig; print({code})"], env=clean_environment(), capture_output=True, text=True,
        check=True, timeout=60).stdout.strip()


STDLIB = ask("'python%d.%d%s' % (*sys.version_info[:2], sys.abiflags)")  # python3.13t
VERSION = ask("'%d.%d.%d' % sys.version_info[:3]")
PREFIX = ask("sys.prefix")


class VenvCase(LauncherCase):
    def make(self, name, version=VERSION, stdlib=STDLIB, key="version", system=False):
        venv = self.folder / name
        packages = venv / "lib" / stdlib / "site-packages"
        packages.mkdir(parents=True)
        (venv / "bin").mkdir()
        (packages / "in_venv.py").write_text("")
        (venv / "pyvenv.cfg").write_text(
            f"home = /nowhere/bin\ninclude-system-site-packages = {str(system).lower()}\n{key} = {version}\n")
        return venv

    def setUp(self):
        super().setUp()
        self.write("app/app.py", SHOW)

    def shown(self, *args, **options):
        return json.loads(self.output(*args, **options))

    def used(self, venv, *args, **options):
        self.assertEqual(self.shown(*args, **options), {
            "prefix": str(venv), "base": PREFIX, "exec": str(venv), "executable": os.path.realpath(TONIO),
            "variable": str(venv), "module": f"{venv}/lib/{STDLIB}/site-packages/in_venv.py",
            "stdlib": f"{PREFIX}/lib/{STDLIB}/os.py",
        })

    def unused(self, *args, **options):
        found = self.shown(*args, **options)
        self.assertEqual((found["prefix"], found["module"]), (PREFIX, False))

    def refused_with_warning(self, venv, parts, *args, **options):
        done = self.tonio(*args, **options)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(done.stdout)["prefix"], PREFIX)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for part in ["tonio: warning: ", str(venv), "tonio -m venv", *parts]:
            self.assertIn(part, done.stderr)


class Choice(VenvCase):
    def test_none(self):
        self.unused("run", "app/app.py")

    def test_option(self):
        venv = self.make("env")
        self.used(venv, "run", "app/app.py", "--venv", venv)
        self.used(venv, "run", "--venv", "./env/", "app/app.py")
        self.used(venv, "app/app.py", env={"TONIO_VENV": "env"})

    def test_active(self):
        self.used(self.make("env"), "run", "app/app.py", env={"VIRTUAL_ENV": str(self.folder / "env")})

    def test_beside_the_script_and_upwards(self):
        above = self.make(".venv")
        self.used(above, "run", "app/app.py")
        self.used(above, "run", self.folder / "app/app.py", cwd="/")
        beside = self.make("app/.venv")
        self.used(beside, "run", "app/app.py")

    def test_beside_the_linked_script(self):
        (self.folder / "link.py").symlink_to("app/app.py")
        self.used(self.make("app/.venv"), "run", "link.py")

    def test_order(self):
        wanted, active, _ = self.make("wanted"), self.make("active"), self.make("app/.venv")
        env = {"VIRTUAL_ENV": str(active)}
        self.used(wanted, "run", "app/app.py", "--venv", wanted, env=env)
        self.used(active, "run", "app/app.py", env=env)

    def test_called_from_the_venv(self):
        venv, other = self.make("env"), self.make("other")
        (venv / "bin/tonio").symlink_to(TONIO)
        done = self.command(venv / "bin/tonio", "run", "app/app.py", env={"VIRTUAL_ENV": str(other)})
        self.assertEqual(json.loads(done.stdout)["prefix"], str(venv), done.stderr)
        done = self.command(
            "sh", "-c", "exec tonio run app/app.py", env={"PATH": f"{venv}/bin:{os.environ['PATH']}"})
        self.assertEqual(json.loads(done.stdout)["prefix"], str(venv), done.stderr)

    def test_found_ones_must_belong_to_somebody_trusted(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to give a folder away")
        venv = self.make(".venv")
        self.used(venv, "run", "app/app.py")
        os.chown(venv, 12345, 12345)
        self.unused("run", "app/app.py")
        os.chown(self.folder / "app", 12345, 12345)
        self.used(venv, "run", "app/app.py")

    def test_as_python(self):
        venv = self.make("env")
        script = self.folder / "app/app.py"
        code = f"exec(open({str(script)!r}).read())"
        for flags in ([], ["-I"], ["-E", "-s"]):
            self.used(venv, *flags, "-c", code, env={"VIRTUAL_ENV": str(venv)})
        self.used(venv, "--venv", venv, "-c", code)
        self.used(venv, "-X", "dev", "-u", script, env={"VIRTUAL_ENV": str(venv)})
        self.unused("-c", code)
        self.used(self.make(".venv"), "-u", script)

    def test_versions_of_other_makers(self):
        for key, version in (("version_info", f"{VERSION}.final.0"), ("version_info", VERSION), ("version", VERSION.rpartition(".")[0])):
            venv = self.make("env", version=version, key=key)
            self.used(venv, "run", "app/app.py", "--venv", venv)
            shutil.rmtree(venv)

    def test_system_site_packages(self):
        self.write("paths.py", "import sys; print(*[p for p in sys.path if p.endswith('site-packages')])")
        alone, both = self.make("alone"), self.make("both", system=True)
        inside = f"lib/{STDLIB}/site-packages"
        self.assertEqual(self.output("run", "paths.py", "--venv", alone), f"{alone}/{inside}\n")
        self.assertEqual(self.output("run", "paths.py", "--venv", both), f"{both}/{inside} {PREFIX}/{inside}\n")

    def test_pth_files(self):
        venv = self.make("env")
        self.write("elsewhere/far.py", "print('far')")
        (venv / "lib" / STDLIB / "site-packages/far.pth").write_text(f"{self.folder}/elsewhere\n")
        self.write("app.py", "import far")
        self.assertEqual(self.output("run", "app.py", "--venv", venv), "far\n")


class Problems(VenvCase):
    GIL = STDLIB.rstrip("t")

    def problems(self):
        yield self.make("old", version="3.11.2", stdlib="python3.11"), ["3.11.2", VERSION]
        yield self.make("gil", stdlib=self.GIL), ["the GIL", f"lib/{STDLIB}"]
        yield self.make("odd", stdlib="pypy"), ["another Python", f"lib/{STDLIB}"]
        (self.folder / "empty").mkdir()
        yield self.folder / "empty", ["pyvenv.cfg"]
        yield self.folder / "missing", ["no such folder"]

    def test_wanted(self):
        for venv, parts in self.problems():
            with self.subTest(venv.name):
                self.refused("run", "app/app.py", "--venv", venv, says=[str(venv), "tonio -m venv", *parts])
                self.refused("-c", "pass", env={"TONIO_VENV": str(venv)}, says=[str(venv), *parts])

    def test_active(self):
        for venv, parts in self.problems():
            with self.subTest(venv.name):
                self.refused_with_warning(venv, parts, "run", "app/app.py", env={"VIRTUAL_ENV": str(venv)})

    def test_found(self):
        venv = self.make(".venv", version="3.11.2", stdlib="python3.11")
        self.refused_with_warning(venv, ["3.11.2"], "run", "app/app.py")

    def test_children_say_nothing_more(self):
        venv = self.make("old", version="3.11.2", stdlib="python3.11")
        self.write("parent.py", """
            import subprocess, sys
            for arguments in (["-c", "print(1)"], ["app/app.py"]):
                subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        """)
        done = self.tonio("run", "parent.py", env={"VIRTUAL_ENV": str(venv)})
        self.assertEqual((done.returncode, done.stderr.count("\n")), (0, 1), done.stderr)


class Children(VenvCase):
    PARENT = """
        import multiprocessing, subprocess, sys

        def prefix(_):
            import in_venv
            return sys.prefix

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(prefix, [0])[0])
            for arguments in (["-c", "import sys; print(sys.prefix)"], ["-I", "-c", "import sys; print(sys.prefix)"]):
                print(subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True, cwd="/").stdout, end="")
    """

    def test_the_same_venv(self):
        self.write("parent.py", self.PARENT)
        for venv, arguments, env in (
            (self.make("wanted"), ["--venv", "wanted"], {}),
            (self.make("active"), [], {"VIRTUAL_ENV": str(self.folder / "active")}),
            (self.make(".venv"), [], {}),
        ):
            with self.subTest(venv.name):
                self.assertEqual(self.output("run", "parent.py", *arguments, env=env), f"{venv}\n" * 3)


class RealVenv(VenvCase):
    """Made by the standard library's venv, run by tonio itself."""

    def setUp(self):
        super().setUp()
        self.output("-m", "venv", "--without-pip", ".venv")
        self.venv = self.folder / ".venv"
        (self.venv / "lib" / STDLIB / "site-packages/in_venv.py").write_text("")

    def test_run(self):
        self.used(self.venv, "run", "app/app.py")

    def test_its_python_is_exactly_python(self):
        done = self.command(self.venv / "bin/python", "app/app.py")
        found = json.loads(done.stdout)
        self.assertEqual(
            (found["prefix"], found["base"], found["executable"]),
            (str(self.venv), PREFIX, str(self.venv / "bin/python")), done.stderr)
        self.assertTrue(found["module"])

    def test_a_venv_in_a_venv_has_the_same_base(self):
        self.output("--venv", ".venv", "-m", "venv", "--without-pip", "second")
        self.assertEqual(self.shown("run", "app/app.py", "--venv", "second")["base"], PREFIX)

    def test_sysconfig_points_into_it(self):
        self.write("paths.py", "import sysconfig; print(sysconfig.get_path('purelib'), sysconfig.get_path('stdlib'))")
        self.assertEqual(
            self.output("run", "paths.py"), f"{self.venv}/lib/{STDLIB}/site-packages {PREFIX}/lib/{STDLIB}\n")

    def test_site_in_user_mode_is_off(self):
        self.assertTrue(pathlib.Path(self.venv / "pyvenv.cfg").exists())
        self.write("user.py", "import site; print(site.ENABLE_USER_SITE)")
        self.assertEqual(self.output("run", "user.py"), "False\n")


main()
