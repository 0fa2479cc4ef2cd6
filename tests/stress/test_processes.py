"""Many child processes: 2,000 with TONIO_STRESS=10, 64 at a time."""

import os
import unittest

import tonio
from sanitizers import SANITIZED
from scale import scaled
from tonio import sync

COUNT = scaled(200)
AT_ONCE = 64


def resident():
    """Pages of this process in memory, as KiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * (os.sysconf("SC_PAGESIZE") // 1024)


async def descriptors():
    """How many are open; a task of its own, since a run has one for itself."""
    return len(os.listdir("/proc/self/fd"))


async def only(expected):
    """Until no more descriptors are open: a system call under way keeps one a little longer."""
    while await descriptors() > expected:
        await tonio.sleep(0.001)


def child(number, slots):
    with (yield slots()):
        done = yield tonio.run_process(
            f"cat; echo {number} >&2; exit {number % 100}", shell=True, stdin=b"%d" % number,
            capture_stdout=True, capture_stderr=True, check=False,
        )
    return done.returncode, done.stdout, done.stderr


def round_of(count):
    slots = sync.Semaphore(AT_ONCE)
    return tonio.map(lambda number: child(number, slots), range(count))


class Processes(unittest.TestCase):
    def test_many_at_a_time(self):
        runtime = tonio.runtime(threads=2)
        self.addCleanup(runtime.stop)
        runtime.run_until_complete(round_of(AT_ONCE))
        files, memory = runtime.run_until_complete(descriptors()), resident()
        results = runtime.run_until_complete(round_of(COUNT))
        for number, result in enumerate(results):
            self.assertEqual(result, (number % 100, b"%d" % number, b"%d\n" % number))
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        del results
        runtime.run_until_complete(round_of(AT_ONCE))
        runtime.run_until_complete(only(files))
        if not SANITIZED:  # sanitizers keep what was freed, and notes of their own
            self.assertLess(resident() - memory, 20 * 1024)

    def test_many_are_cancelled(self):
        def deaf():
            return tonio.run_process("trap '' TERM; exec sleep 60", shell=True, grace=0.1)

        def cancels():
            with tonio.scope() as scope:
                for _ in range(AT_ONCE):
                    scope.spawn(deaf())
                yield tonio.sleep(0.2)
                scope.cancel()
            yield scope()

        runtime = tonio.runtime(threads=2)
        self.addCleanup(runtime.stop)
        runtime.run_until_complete(round_of(2))
        files = runtime.run_until_complete(descriptors())
        runtime.run_until_complete(cancels())
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        runtime.run_until_complete(only(files))


if __name__ == "__main__":
    unittest.main(verbosity=2)
