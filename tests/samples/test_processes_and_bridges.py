"""samples/run_many.py, asyncio_bridge.py, trio_bridge.py."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from libraries import python_path
from sample import TIMEOUT, TONIO, clean_environment, command, main, run_sample


def run_many(text, *options):
    """Exit code, lines of standard output, standard error."""
    done = subprocess.run(
        command("run_many.py", *options), input=text, capture_output=True, text=True,
        env=clean_environment(), timeout=TIMEOUT,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


class RunMany(unittest.TestCase):
    def test_runs_all(self):
        code, lines, err = run_many("# some\necho one; echo err >&2\n\ntrue\n", "--jobs", "1")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(lines, [
            "[ok] echo one; echo err >&2", "one", "err", "[ok] true",
            "2 commands: 0 failed, 0 not started",
        ])

    def test_a_failure_starts_no_other(self):
        code, lines, err = run_many("exit 3\necho two\n", "--jobs", "1")
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(lines, ["[failed (3)] exit 3", "2 commands: 1 failed, 1 not started"])

    def test_keeps_going(self):
        code, lines, _ = run_many("exit 3\necho two\n", "--jobs", "1", "--keep-going")
        self.assertEqual(code, 1)
        self.assertEqual(lines, ["[failed (3)] exit 3", "[ok] echo two", "two",
                                 "2 commands: 1 failed, 0 not started"])

    def test_at_most_so_many_at_a_time(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            # Each counts who is there, itself included, while it is.
            line = f"cd {folder}; touch $$; ls | wc -l; sleep 0.05; rm $$\n"
            code, lines, err = run_many(20 * line, "--jobs", "4")
        counts = [int(line) for line in lines if line.isdigit()]
        self.assertEqual((code, err, len(counts)), (0, "", 20))
        self.assertLessEqual(max(counts), 4)

    def test_ctrl_c_ends_what_runs_and_what_that_has_started(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            started = pathlib.Path(folder, "started")
            os.mkfifo(started)
            file = pathlib.Path(folder, "commands")
            file.write_text(f"sleep 60 & echo $! > {started}; wait\n")
            runner = subprocess.Popen(
                command("run_many.py", str(file)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=clean_environment(),
            )
            grandchild = int(started.read_text())
            runner.send_signal(signal.SIGINT)
            runner.communicate(timeout=TIMEOUT)
        self.assertEqual(runner.returncode, 130)
        # It is nobody's child here, so its end tells nobody.
        end = time.monotonic() + 30
        while is_alive(grandchild):
            self.assertLess(time.monotonic(), end, "it goes on")
            time.sleep(0.01)

    def test_mistakes(self):
        code, _, err = run_many("true\n", "--jobs", "0")
        self.assertEqual(code, 2)
        self.assertIn("--jobs must be 1 or more", err)


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Bridges(unittest.TestCase):
    def test_asyncio(self):
        self.assertEqual(
            run_sample("asyncio_bridge.py").splitlines(),
            ["4 primes below 10", "25 primes below 100", "168 primes below 1000", "cancelled"],
        )

    def test_trio(self):
        environment = clean_environment() | {"PYTHONPATH": python_path()}
        probe = subprocess.run(
            [TONIO, "-c", "import trio"], capture_output=True, text=True, env=environment,
            timeout=TIMEOUT,
        )
        done = subprocess.run(
            command("trio_bridge.py"), capture_output=True, text=True, env=environment,
            timeout=TIMEOUT,
        )
        if probe.returncode != 0:
            if "No module named 'trio'" in probe.stderr:
                self.assertEqual(done.returncode, 1)
                self.assertIn("this environment has no trio", done.stderr)
            self.skipTest(f"trio can't be imported here: {probe.stderr.splitlines()[-1]}")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "[0, 1, 4, 9, 16]\ncancelled\n")


if __name__ == "__main__":
    main()
