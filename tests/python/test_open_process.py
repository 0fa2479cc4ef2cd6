"""tonio.open_process(): a process that is talked to, waited for, signalled."""

import errno
import gc
import os
import signal
import sys
import unittest
import warnings
from unittest import mock

import tonio
from programs import run_program
from scenarios import Scenarios, main, until_suspended
from subprocess import DEVNULL, PIPE, STDOUT
from tonio import open_process
from tonio.exceptions import ResourceBusy

# What whoever has started this process has left open for all its children.
GIVEN = {
    number for number in map(int, os.listdir("/proc/self/fd"))
    if os.path.exists(f"/proc/self/fd/{number}") and os.get_inheritable(number)
}


class Talking(Scenarios):
    def test_over_its_pipes(self):
        process = yield open_process(["cat"], stdin=PIPE, stdout=PIPE)
        self.assertEqual(process.args, ["cat"])
        self.assertEqual(process.stdio, (process.stdin, process.stdout))
        self.assertIsNone(process.stderr)
        with process.stdin, process.stdout:
            for message in (b"one", b"two"):
                yield process.stdin.send_all(message)
                self.assertEqual((yield process.stdout.receive_some()), message)
            yield process.stdin.send_all("text")
            self.assertEqual((yield process.stdout.receive_some(2)), b"te")
            self.assertEqual((yield process.stdout.receive_some(10)), b"xt")
            process.stdin.close()
            self.assertEqual((yield process.stdout.receive_some()), b"")
        self.assertEqual((yield process.wait()), 0)

    def test_large_pieces(self):
        process = yield open_process(["cat"], stdin=PIPE, stdout=PIPE)
        data = os.urandom(1_000_000)

        @self.task
        def sends():
            with process.stdin:
                yield process.stdin.send_all(data)

        sending = tonio.spawn(sends())
        got = bytearray()
        with process.stdout:
            while part := (yield process.stdout.receive_some()):
                got += part
        yield sending
        self.assertTrue(got == data)
        self.assertEqual((yield process.wait()), 0)

    def test_standard_error(self):
        process = yield open_process("echo err >&2", shell=True, stderr=PIPE)
        with process.stderr:
            self.assertEqual((yield process.stderr.receive_some()), b"err\n")
        self.assertEqual((yield process.wait()), 0)

    def test_without_pipes(self):
        process = yield open_process(["cat"], stdin=DEVNULL, stdout=DEVNULL, stderr=STDOUT)
        self.assertEqual((process.stdin, process.stdout, process.stderr, process.stdio), (None,) * 4)
        self.assertEqual((yield process.wait()), 0)


class Streams(Scenarios):
    def opened(self):
        return open_process(["cat"], stdin=PIPE, stdout=PIPE)

    def test_one_user_at_a_time(self):
        process = yield self.opened()
        first = tonio.spawn(process.stdout.receive_some())
        yield from until_suspended("receive_some")
        with self.assertRaisesRegex(ResourceBusy, "receiving on this ReceivePipe"):
            yield process.stdout.receive_some()
        yield process.stdin.send_all(b"x")
        self.assertEqual((yield first), b"x")
        yield process.end()

    def test_a_cancelled_receive_loses_nothing(self):
        process = yield self.opened()
        for _ in range(3):
            self.assertEqual(
                (yield tonio.time.timeout(process.stdout.receive_some(), 0.02)), (None, False)
            )
        yield process.stdin.send_all(b"x")
        self.assertEqual((yield process.stdout.receive_some()), b"x")
        yield process.end()

    def test_closing_wakes_who_waits(self):
        process = yield self.opened()
        receiving = tonio.spawn(process.stdout.receive_some())
        yield tonio.sleep(0.02)
        process.stdout.close()
        with self.assertRaises(ExceptionGroup) as caught:
            yield receiving
        self.assertEqual(caught.exception.exceptions[0].errno, errno.EBADF)
        with self.assertRaises(OSError) as caught:
            yield process.stdout.receive_some()
        self.assertEqual(caught.exception.errno, errno.EBADF)
        process.stdout.close()
        yield process.end()

    def test_a_broken_pipe(self):
        process = yield open_process(["true"], stdin=PIPE)
        yield process.wait()
        with process.stdin, self.assertRaises(BrokenPipeError):
            yield process.stdin.send_all(b"x")

    def test_one_that_is_forgotten_is_closed_with_a_warning(self):
        process = yield self.opened()
        number = process.stdout.fileno()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            process.stdin.close()
            yield process.wait()
            process.stdout = process.stdio = None
            gc.collect()
        said = [str(warning.message) for warning in caught]
        self.assertIn(f"unclosed <tonio.ReceivePipe of descriptor {number}>", said)
        with self.assertRaises(OSError):
            os.fstat(number)

    def test_mistakes(self):
        process = yield self.opened()
        with self.assertRaisesRegex(ValueError, "max_bytes must be 1 or more, not 0"):
            yield process.stdout.receive_some(0)
        with self.assertRaisesRegex(TypeError, "bytes-like"):
            yield process.stdin.send_all([1])
        yield process.end()


class Ending(Scenarios):
    def test_poll_and_returncode(self):
        process = yield open_process("read line; exit 4", shell=True, stdin=PIPE)
        self.assertIsNone(process.poll())
        self.assertIsNone(process.returncode)
        self.assertRegex(repr(process), f"'read line; exit 4': runs as {process.pid}>")
        process.stdin.close()
        self.assertEqual((yield process.wait()), 4)
        self.assertEqual((process.poll(), process.returncode), (4, 4))
        self.assertRegex(repr(process), "exited with 4>")

    def test_one_that_has_exited_already(self):
        process = yield open_process(["true"], stdout=PIPE)
        yield process.stdout.receive_some()
        process.stdout.close()
        self.assertEqual((yield process.wait()), 0)
        self.assertEqual((yield process.wait()), 0)

    def test_many_wait(self):
        process = yield open_process(["cat"], stdin=PIPE)
        waiting = [tonio.spawn(process.wait()) for _ in range(20)]
        yield tonio.sleep(0.02)
        process.stdin.close()
        for wait in waiting:
            self.assertEqual((yield wait), 0)

    def test_a_cancelled_wait_leaves_it(self):
        process = yield open_process(["cat"], stdin=PIPE)
        self.assertEqual((yield tonio.time.timeout(process.wait(), 0.02)), (None, False))
        self.assertIsNone(process.poll())
        process.stdin.close()
        self.assertEqual((yield process.wait()), 0)

    def test_signals(self):
        for send, code in (
            (lambda process: process.terminate(), -signal.SIGTERM),
            (lambda process: process.kill(), -signal.SIGKILL),
            (lambda process: process.send_signal(signal.SIGUSR1), -signal.SIGUSR1),
        ):
            process = yield open_process(["sleep", "60"])
            send(process)
            self.assertEqual((yield process.wait()), code)
            self.assertRegex(repr(process), f"ended by signal {-code}>")
            send(process)  # nobody is hit

    def test_signals_to_a_group(self):
        process = yield open_process("sleep 60 & echo; wait", shell=True, stdout=PIPE, process_group=0)
        yield process.stdout.receive_some()
        process.kill(group=True)
        # Its end is there when both have let go of the pipe.
        self.assertEqual((yield process.stdout.receive_some()), b"")
        process.stdout.close()
        self.assertEqual((yield process.wait()), -signal.SIGKILL)
        process.kill(group=True)

    def test_a_group_that_it_does_not_lead(self):
        process = yield open_process(["sleep", "60"])
        with self.assertRaisesRegex(ValueError, "leads no process group.*process_group=0"):
            process.terminate(group=True)
        yield process.end()
        self.assertEqual(process.returncode, -signal.SIGTERM)

    def test_end(self):
        process = yield open_process("trap '' TERM; echo; exec sleep 60", shell=True, stdout=PIPE)
        yield process.stdout.receive_some()
        yield process.end(0.05)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        yield process.end(0.05)

    def test_without_pidfds(self):
        def refuse(_):
            raise OSError(errno.ENOSYS, "not here")

        with mock.patch("os.pidfd_open", refuse):
            process = yield open_process(["cat"], stdin=PIPE)
            self.assertEqual((yield tonio.time.timeout(process.wait(), 0.02)), (None, False))
            waiting = tonio.spawn(process.wait(), process.wait())
            process.stdin.close()
            self.assertEqual((yield waiting), [0, 0])
            done = yield tonio.run_process(["cat"], stdin=b"x", capture_stdout=True)
            self.assertEqual(done.stdout, b"x")
            yield tonio.time.timeout(
                tonio.run_process("trap '' TERM; exec sleep 60", shell=True, grace=0.05), 0.1
            )

    def test_without_a_descriptor_for_it(self):
        full = OSError(errno.EMFILE, "no descriptor is left")
        with mock.patch("os.pidfd_open", side_effect=full), self.assertRaises(OSError) as caught:
            yield open_process(["sleep", "60"], stdin=PIPE)
        self.assertIs(caught.exception, full)
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


class Inheritance(Scenarios):
    def test_only_what_is_passed_on(self):
        # Without the one that lists them, which is closed by then.
        lists = """import os
folder = "/proc/self/fd/"
print(*(fd for fd in os.listdir(folder) if os.path.exists(folder + fd)))"""
        reader, writer = os.pipe()
        other = yield open_process(["cat"], stdin=PIPE, stdout=PIPE)
        for close_fds in (True, False):
            done = yield tonio.run_process(
                [sys.executable, "-c", lists], stdin=b"x", capture_stdout=True,
                capture_stderr=True, close_fds=close_fds,
            )
            got = set(map(int, done.stdout.split()))
            expected = {0, 1, 2} | (set() if close_fds else GIVEN)
            self.assertLessEqual(got, expected)
        done = yield tonio.run_process(
            [sys.executable, "-c", lists], capture_stdout=True, pass_fds=[writer]
        )
        self.assertIn(str(writer), done.stdout.decode().split())
        os.close(reader)
        os.close(writer)
        yield other.end()


class Programs(unittest.TestCase):
    def test_sigchld_may_be_ignored(self):
        done = run_program("""
            import signal, tonio
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)

            def main():
                done = yield tonio.run_process("echo out; exit 3", shell=True, capture_stdout=True)
                # The system has thrown its exit code away.
                print(done.returncode, done.stdout)
        """)
        self.assertEqual((done.code, done.out, done.err), (0, "0 b'out\\n'\n", ""))

    def test_the_end_of_the_program_ends_and_reaps_them(self):
        done = run_program("""
            import os, tonio

            def runs(started):
                try:
                    yield tonio.run_process("echo; exec sleep 60", shell=True, stdout=started)
                finally:
                    try:
                        os.waitpid(-1, os.WNOHANG)
                    except ChildProcessError:
                        print("no child is left", flush=True)

            def main():
                reader, writer = os.pipe()
                tonio.spawn.without_tracking(runs(writer))
                yield tonio.spawn_blocking(os.read, reader, 1)
        """)
        self.assertEqual((done.code, done.out, done.err), (0, "no child is left\n", ""))


if __name__ == "__main__":
    main()
