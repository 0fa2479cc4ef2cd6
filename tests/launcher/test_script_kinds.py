"""What may stand for SCRIPT."""

import os
import subprocess
import zipfile

from case import TONIO, LauncherCase, clean_environment, main

SUSPENDS = """
    import sys, threading
    print(__name__, sys.argv[1:], repr(sys.path[0]))

    def main():
        yield
        print("worker" if threading.current_thread() is not threading.main_thread() else "main thread")
"""


class ScriptKinds(LauncherCase):
    def test_a_folder(self):
        self.write("app/__main__.py", SUSPENDS)
        self.assertEqual(self.output("run", "app", "x"), f"__main__ ['x'] '{self.folder}/app'\nworker\n")

    def test_a_zip_file(self):
        with zipfile.ZipFile(self.folder / "app.pyz", "w") as archive:
            archive.write(self.write("m.py", SUSPENDS), "__main__.py")
        self.assertEqual(self.output("app.pyz", "x"), f"__main__ ['x'] '{self.folder}/app.pyz'\nworker\n")

    def test_standard_input(self):
        text = self.write("m.py", SUSPENDS).read_text()
        self.assertEqual(self.output("run", "-", "x", input=text), "__main__ ['x'] ''\nworker\n")
        self.assertEqual(self.output("run", "--threads", "1", "-", "x", input=text), "__main__ ['x'] ''\nworker\n")

    def test_standard_input_without_run_is_plain_python(self):
        text = self.write("m.py", SUSPENDS).read_text()
        self.assertEqual(self.output("-", "x", input=text), "__main__ ['x'] ''\n")

    def test_compiled_code(self):
        self.write("m.py", SUSPENDS)
        self.output("-c", "import py_compile; py_compile.compile('m.py', 'm.pyc'); py_compile.compile('m.py', 'renamed')")
        for name in ("m.pyc", "renamed"):
            self.assertEqual(self.output("run", name), f"__main__ [] '{self.folder}'\nworker\n")

    def test_broken_compiled_code(self):
        self.write("m.pyc", "nonsense, and more of it")
        done = self.tonio("run", "m.pyc")
        self.assertEqual(done.returncode, 1)
        self.assertIn("RuntimeError: Bad magic number in .pyc file", done.stderr)

    def test_a_pipe(self):
        read, write = os.pipe()
        os.write(write, b"print('from a pipe')\n")
        os.close(write)
        self.assertEqual(self.output("run", f"/dev/fd/{read}", pass_fds=[read]), "from a pipe\n")
        os.close(read)

    def test_encodings(self):
        (self.folder / "latin.py").write_bytes("# coding: latin-1\nprint(ascii('ü'))\n".encode("latin-1"))
        (self.folder / "bom.py").write_bytes(b"\xef\xbb\xbfprint('bom')\r\n")
        self.assertEqual(self.output("run", "latin.py"), "'\\xfc'\n")
        self.assertEqual(self.output("run", "bom.py"), "bom\n")

    def test_an_empty_script(self):
        self.write("empty.py", "")
        self.assertEqual(self.output("run", "empty.py"), "")

    def test_the_script_may_be_replaced_while_it_runs(self):
        self.write("app.py", "import os; os.unlink(__file__); print('gone')")
        self.assertEqual(self.output("run", "app.py"), "gone\n")

    def test_the_working_folder_may_be_gone(self):
        self.write("app.py", "print('still here')")
        gone = self.folder / "gone"
        gone.mkdir()
        done = subprocess.run(
            ["sh", "-c", f"rmdir {gone} && exec {TONIO} run {self.folder}/app.py"],
            cwd=gone, env=clean_environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, "still here\n"), done.stderr)


main()
