"""samples/watch.py tells what happens in a folder."""

import pathlib
import signal
import subprocess
import tempfile
import unittest

from sample import TIMEOUT, clean_environment, command, main


class Watch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def start(self, *args):
        process = subprocess.Popen(
            command("watch.py", "--", *args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=clean_environment(),
        )  # fmt: skip
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_events_come_in_order(self):
        process = self.start(str(self.root), "--count", "5")
        self.assertEqual(process.stdout.readline(), f"watching {self.root}\n")
        path = self.root / "a file"
        path.write_text("x")
        self.assertEqual(process.stdout.readline(), "created a file\n")
        self.assertEqual(process.stdout.readline(), "written a file\n")
        path.rename(self.root / "other")
        self.assertEqual(process.stdout.readline(), "moved away a file\n")
        self.assertEqual(process.stdout.readline(), "moved here other\n")
        (self.root / "other").unlink()
        out, err = process.communicate(timeout=TIMEOUT)
        self.assertEqual((process.returncode, out, err), (0, "deleted other\n", ""))

    def test_ctrl_c_ends_it(self):
        process = self.start(str(self.root))
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 128 + signal.SIGINT)

    def test_a_folder_that_is_not_there(self):
        process = self.start("/nowhere")
        out, err = process.communicate(timeout=TIMEOUT)
        self.assertEqual((process.returncode, out), (1, ""))
        self.assertIn("FileNotFoundError: [Errno 2] No such file or directory: '/nowhere'", err)


if __name__ == "__main__":
    main()
