"""tonio.run_process(): results, input and output, cancellation."""

import os
import signal
import subprocess
import sys
import tempfile

import tonio
from programs import run_program
from scenarios import Scenarios, main
from tonio import run_process
from tonio.exceptions import CancelledError


def is_gone(pid):
    """Not even a zombie is left."""
    return not os.path.exists(f"/proc/{pid}")


def children():
    with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children") as file:
        return file.read().split()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


async def only(expected):
    """Until no more descriptors are open: a system call under way keeps one a little longer."""
    while descriptors() > expected:
        await tonio.sleep(0.001)


class Results(Scenarios):
    def test_a_completed_process(self):
        done = yield run_process(
            ["sh", "-c", "cat; echo err >&2"], stdin=b"hello", capture_stdout=True,
            capture_stderr=True,
        )
        self.assertIs(type(done), subprocess.CompletedProcess)
        self.assertEqual(done.args, ["sh", "-c", "cat; echo err >&2"])
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"hello", b"err\n"))

    def test_what_is_not_captured_is_none(self):
        done = yield run_process(["true"])
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, None, None))
        done = yield run_process(["true"], capture_stderr=True)
        self.assertEqual((done.stdout, done.stderr), (None, b""))

    def test_a_failure_is_raised(self):
        with self.assertRaises(subprocess.CalledProcessError) as caught:
            yield run_process("echo out; echo err >&2; exit 3", shell=True, capture_stdout=True,
                              capture_stderr=True)
        failure = caught.exception
        self.assertEqual(failure.returncode, 3)
        self.assertEqual(failure.cmd, "echo out; echo err >&2; exit 3")
        self.assertEqual((failure.stdout, failure.stderr), (b"out\n", b"err\n"))

    def test_a_failure_is_a_result_without_check(self):
        self.assertEqual((yield run_process(["false"], check=False)).returncode, 1)

    def test_ended_by_a_signal(self):
        done = yield run_process("kill -KILL $$", shell=True, check=False)
        self.assertEqual(done.returncode, -signal.SIGKILL)

    def test_options_are_popens(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            done = yield run_process(
                'pwd; echo "$NAME"', shell=True, capture_stdout=True, cwd=folder,
                env={"NAME": "value", "PATH": os.defpath},
            )
        self.assertEqual(done.stdout.decode(), f"{folder}\nvalue\n")

    def test_standard_error_into_standard_output(self):
        done = yield run_process(
            "echo one; echo two >&2", shell=True, capture_stdout=True, stderr=subprocess.STDOUT
        )
        self.assertEqual(done.stdout, b"one\ntwo\n")


class Input(Scenarios):
    def test_kinds(self):
        for data in (b"text", bytearray(b"text"), memoryview(b"text"), "text"):
            done = yield run_process(["cat"], stdin=data, capture_stdout=True)
            self.assertEqual(done.stdout, b"text")

    def test_none_is_the_end_of_it(self):
        done = yield run_process(["cat"], capture_stdout=True)
        self.assertEqual(done.stdout, b"")

    def test_a_file(self):
        with tempfile.TemporaryFile() as file:
            file.write(b"from a file")
            file.seek(0)
            done = yield run_process(["cat"], stdin=file, capture_stdout=True)
        self.assertEqual(done.stdout, b"from a file")

    def test_a_child_that_does_not_want_it(self):
        # More than a pipe holds, so the rest is written when the child has closed its end.
        yield run_process("exec <&-; exit 0", shell=True, stdin=bytes(1_000_000))
        done = yield run_process("exec <&-; echo done", shell=True, stdin=bytes(1_000_000),
                                 capture_stdout=True)
        self.assertEqual(done.stdout, b"done\n")

    def test_a_child_that_closes_its_output_early(self):
        done = yield run_process("exec >&-; exec 2>&-; cat > /dev/null", shell=True,
                                 stdin=b"some", capture_stdout=True, capture_stderr=True)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))


class HugeOutput(Scenarios):
    options = {"threads": 1}
    SIZE = 8 << 20

    def test_on_both_pipes_and_input(self):
        copies = """
import sys, threading
size, sizes = int(sys.argv[1]), []
def out(stream):
    for _ in range(size >> 16):
        stream.write(b"x" * (1 << 16))
    stream.flush()
threads = [threading.Thread(target=out, args=(stream.buffer,)) for stream in (sys.stdout, sys.stderr)]
for thread in threads: thread.start()
got = len(sys.stdin.buffer.read())
for thread in threads: thread.join()
sys.exit(0 if got == size else 1)
"""
        done = yield run_process(
            [sys.executable, "-c", copies, str(self.SIZE)], stdin=bytes(self.SIZE),
            capture_stdout=True, capture_stderr=True,
        )
        self.assertEqual((len(done.stdout), len(done.stderr)), (self.SIZE, self.SIZE))

    def test_a_child_that_writes_without_end_leaves_others_their_turns(self):
        turns = []

        @self.task
        def counts():
            for turn in range(100):
                yield tonio.sleep(0)
                turns.append(turn)

        def both(scope):
            scope.spawn(run_process(["yes"], capture_stdout=True))
            yield counts()
            scope.cancel()

        yield self.scoped(both)
        self.assertEqual(len(turns), 100)


class Cancellation(Scenarios):
    def cancelled(self, command, **options):
        """Cancels a run of command once it has said a line, and gives its number."""
        reader, writer = os.pipe()
        try:
            with tonio.scope() as scope:
                scope.spawn(run_process(command, stdout=writer, **options))
                line = yield tonio.spawn_blocking(os.read, reader, 100)
                scope.cancel()
            yield scope()
        finally:
            os.close(reader)
            os.close(writer)
        return line

    def test_terminates_and_reaps(self):
        before = children()
        line = yield self.cancelled("trap 'exit 0' TERM; echo $$; sleep 60 & wait", shell=True,
                                    process_group=0)
        self.assertTrue(is_gone(int(line)))
        self.assertEqual(children(), before)

    def test_kills_what_does_not_end(self):
        start = tonio.time.time()
        line = yield self.cancelled("trap '' TERM; echo $$; exec sleep 60", shell=True, grace=0.2)
        took = tonio.time.time() - start
        self.assertTrue(is_gone(int(line)))
        self.assertGreaterEqual(took, 0.2)
        self.assertLess(took, 8)

    def test_kills_what_does_not_end_within_the_shutdown_timeout(self):
        start = tonio.time.time()
        line = yield self.cancelled(["sh", "-c", "trap '' TERM; echo $$; sleep 60"],
                                    stderr=subprocess.DEVNULL)  # its sleep goes on
        self.assertTrue(is_gone(int(line)))
        self.assertLess(tonio.time.time() - start, 10)

    def test_takes_the_process_group_with_it(self):
        for option in ({"process_group": 0}, {"start_new_session": True}):
            # The pipe's other end stays open as long as one of them lives.
            reader, writer = os.pipe()
            line = yield self.cancelled(
                "trap '' TERM; sleep 60 & echo $!; wait", shell=True, grace=0.1,
                pass_fds=[writer], **option,
            )
            os.close(writer)
            self.assertEqual((yield tonio.spawn_blocking(os.read, reader, 1)), b"")
            os.close(reader)
            self.assertTrue(line.strip().isdigit())

    def test_takes_the_process_group_with_it_that_outlives_the_child(self):
        # The child is gone at once. What it has left holds the pipes, and says so when it goes.
        reader, writer = os.pipe()
        lines, said = os.pipe()
        with tonio.scope() as scope:
            scope.spawn(run_process(
                f"(trap '' TERM; sleep 60) & echo $$ >/proc/self/fd/{said}", shell=True, grace=0.1,
                process_group=0, capture_stdout=True, pass_fds=[writer, said],
            ))
            line = yield tonio.spawn_blocking(os.read, lines, 100)
            pid = int(line)
            with open(f"/proc/{pid}/stat") as stat:
                while stat.read().rpartition(")")[2].split()[0] != "Z":
                    yield tonio.sleep(0.001)
                    stat.seek(0)
            scope.cancel()
        yield scope()
        os.close(writer)
        self.assertEqual((yield tonio.spawn_blocking(os.read, reader, 1)), b"")
        self.assertTrue(is_gone(pid))
        for fd in (reader, lines, said):
            os.close(fd)

    def test_the_end_of_a_program_leaves_no_child(self):
        done = run_program("""
            import os, signal, tonio

            def main():
                reader, writer = os.pipe()
                command = "trap '' TERM; echo $$; exec sleep 60"
                tonio.spawn.without_tracking(
                    tonio.run_process(command, shell=True, stdout=writer))
                line = yield tonio.spawn_blocking(os.read, reader, 100)
                print(line.decode(), end="")
        """, "--shutdown-timeout", "2")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertTrue(is_gone(int(done.out)))

    def test_leaves_no_descriptor(self):
        yield run_process(["true"], capture_stdout=True)
        before = descriptors()
        for _ in range(5):
            output, in_time = yield tonio.time.timeout(
                run_process(["sleep", "60"], stdin=bytes(1_000_000), capture_stdout=True,
                            capture_stderr=True), 0.05,
            )
            self.assertEqual((output, in_time), (None, False))
        yield only(before)

    def test_before_it_has_begun(self):
        with tonio.scope() as scope:
            scope.spawn(run_process(["sleep", "60"]))
            scope.cancel()
        yield scope()
        self.assertEqual(children(), [])

    def test_while_it_starts(self):
        # Whenever it comes, nothing is left.
        for microseconds in range(0, 20_000, 1_000):
            yield tonio.time.timeout(run_process(["sleep", "60"]), microseconds / 1e6)
            self.assertEqual(children(), [])

    def test_its_exception_goes_on(self):
        seen = []

        @self.task
        def runs():
            try:
                yield run_process(["sleep", "60"])
            except CancelledError as cancelled:
                seen.append(cancelled)
                raise

        yield tonio.time.timeout(runs(), 0.05)
        self.assertEqual(len(seen), 1)


class Mistakes(Scenarios):
    def refuses(self, kind, pattern, /, *args, **options):
        with self.assertRaisesRegex(kind, pattern):
            yield run_process(*args, **options)

    def test_they_are_named(self):
        yield self.refuses(TypeError, r"must be a list, such as .* or shell=True", "ls -l")
        yield self.refuses(TypeError, r"with shell=True, command must be a line", ["ls"], shell=True)
        yield self.refuses(TypeError, r"no option 'text'", ["ls"], text=True)
        yield self.refuses(TypeError, r"no option 'encoding'", ["ls"], encoding="utf-8")
        yield self.refuses(TypeError, r"stdin must be .* not list", ["cat"], stdin=[1])
        yield self.refuses(ValueError, r"pass the data as stdin", ["cat"], stdin=subprocess.PIPE)
        yield self.refuses(ValueError, r"use capture_stdout=True", ["ls"], stdout=subprocess.PIPE)
        yield self.refuses(ValueError, r"stdout and capture_stdout exclude", ["ls"],
                           stdout=None, capture_stdout=True)
        yield self.refuses(ValueError, r"grace must not be negative", ["ls"], grace=-1)
        yield self.refuses(TypeError, r"grace must be a number", ["ls"], grace="1")
        yield self.refuses(TypeError, r"command must be a list .* not \[\]", [])
        yield self.refuses(TypeError, r"command must be a list .* not None", None)
        yield self.refuses(TypeError, r"contiguous", ["cat"], stdin=memoryview(b"abcd")[::2])
        yield self.refuses(TypeError, r"use tonio\.time\.timeout", ["ls"], timeout=1)
        yield self.refuses(TypeError, r"as stdin", ["ls"], input=b"")
        yield self.refuses(TypeError, r"use capture_stdout=True", ["ls"], capture_output=True)
        yield self.refuses(FileNotFoundError, "no-such-program", ["no-such-program"])
        yield self.refuses(NotADirectoryError, "null", ["ls"], cwd="/dev/null",
                           stdin=b"data", capture_stdout=True)

    def test_a_program_that_is_not_there_leaves_no_descriptor(self):
        yield run_process(["true"])
        before = descriptors()
        yield self.refuses(FileNotFoundError, "no-such", ["no-such"], stdin=b"x",
                           capture_stdout=True, capture_stderr=True)
        yield only(before)


if __name__ == "__main__":
    main()
