"""Which files tonio makes: none but the log that was asked for, and no one else may write to
that. What it has open itself is not inherited by child processes."""

import os
import stat
import subprocess

from case import LauncherCase, TONIO, clean_environment, main

PROGRAM = """
import os, signal, subprocess, sys, tonio
from tonio import fs, net
from tonio.net import tls

def main():
    certificate, key = tls.self_signed_certificate("localhost")
    context = tls.TLSContext(server_side=True)
    context.load_cert_chain(certificate, key)
    yield tonio.spawn_blocking(int)
    yield fs.Path("/dev/null").read_bytes()
    (yield tonio.open_process(["true"], stdin=subprocess.PIPE)).close_streams()
    listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
    os.kill(os.getpid(), signal.SIGQUIT)
    yield tonio.sleep(0.05)
    # What a child gets that is not told to close the rest.
    code = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd')))"
    done = subprocess.run([sys.executable, "-c", code], close_fds=False, capture_output=True)
    print(done.stdout.decode().strip())
    for listener in listeners:
        listener.close()
"""


class FilesMade(LauncherCase):
    def run_with(self, *options, umask=0o022):
        """Runs the program in an empty folder, which is also its home and its place for
        temporary files; gives its output and the files that it has left there."""
        script = self.write("source/program.py", PROGRAM)
        empty = self.folder / "empty"
        empty.mkdir()
        done = subprocess.run(
            [TONIO, "run", *options, script],
            cwd=empty,
            env=clean_environment(HOME=str(empty), TMPDIR=str(empty)),
            umask=umask,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, sorted(path.name for path in empty.rglob("*"))

    def test_none(self):
        output, files = self.run_with(umask=0)
        self.assertEqual(files, [])
        # The last one is that of the folder that it lists.
        self.assertEqual(output, "[0, 1, 2, 3]\n")
        self.assertEqual(os.listdir(self.folder / "source"), ["program.py"])

    def test_the_log_is_nobody_elses_to_write(self):
        _, files = self.run_with("--log-file", "log", "--log-level", "debug", umask=0)
        self.assertEqual(files, ["log"])
        mode = stat.S_IMODE((self.folder / "empty/log").stat().st_mode)
        self.assertEqual(oct(mode), oct(0o644))

    def test_the_umask_takes_more_away(self):
        self.run_with("--log-file", "log", "--log-level", "debug", umask=0o077)
        mode = stat.S_IMODE((self.folder / "empty/log").stat().st_mode)
        self.assertEqual(oct(mode), oct(0o600))


main()
