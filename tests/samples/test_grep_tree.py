"""samples/grep_tree.py finds what grep finds, and shows a bar on a terminal only."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from sample import TIMEOUT, clean_environment, command, main


class GrepTree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for number in range(400):
            path = self.root / str(number % 7) / str(number % 5) / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"first\nneedle {number}\nlast ä\n" if number % 3 == 0 else "hay\n")
        (self.root / "binary").write_bytes(b"needle\0needle\n")
        (self.root / ".hidden").mkdir()
        (self.root / ".hidden" / "file").write_text("needle\n")
        os.mkfifo(self.root / "fifo")

    def grep(self, *args, threads=None, **options):
        return subprocess.run(
            command("grep_tree.py", "--", *args, threads=threads),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT,
            env=clean_environment(), **options,
        )

    def expected(self):
        return sorted(
            f"{path}:2:needle {path.stem}"
            for path in self.root.rglob("*.txt")
            if "needle" in path.read_text()
        )

    def test_finds_every_line(self):
        for threads in ("1", "2"):
            done = self.grep("ne+dle", str(self.root), threads=threads, stderr=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(sorted(done.stdout.splitlines()), self.expected())

    def test_one_file(self):
        path = self.root / "0" / "0" / "0.txt"
        done = self.grep("ä$", str(path), stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stdout), (0, f"{path}:3:last ä\n"))

    def test_nothing_found(self):
        done = self.grep("absent", str(self.root), stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", ""))

    def test_a_folder_that_is_not_there(self):
        done = self.grep("x", "/nowhere", stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "grep_tree: /nowhere: No such file or directory\n")

    def test_a_bar_on_a_terminal(self):
        try:
            terminal, end = os.openpty()
        except OSError as failure:
            self.skipTest(f"this machine gives no pseudo-terminal: {failure}")
        done = self.grep("needle", str(self.root), stderr=end)
        os.close(end)
        shown = b""
        try:
            while data := os.read(terminal, 4096):
                shown += data
        except OSError:
            pass  # what a terminal without another end says
        os.close(terminal)
        self.assertEqual(sorted(done.stdout.splitlines()), self.expected())
        self.assertRegex(shown.decode(), r"\[[#.]{30}\] \d+/\d+ files, \d+ lines")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)


if __name__ == "__main__":
    main()
