"""Streams and logs that can't be written to while a run goes on."""

import subprocess

from case import TONIO, LauncherCase, clean_environment, main

TICKS = """
    import tonio
    def ticks():
        for _ in range(20):
            yield tonio.sleep(0.001)
    def main():
        yield [ticks(), ticks(), tonio.spawn_blocking(len, "")]
        print("done")
"""

LINES = """
    def main():
        for number in range(200_000):
            print("line", number)
            yield
"""


class Faults(LauncherCase):
    def shell(self, line):
        return subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=clean_environment(TONIO=TONIO), capture_output=True, text=True,
            timeout=60)

    def test_the_log_is_on_a_full_disk(self):
        self.write("app.py", TICKS)
        for threads in ("1", "2", "8"):
            log = f'"$TONIO" run app.py --threads {threads} --log-level trace'
            for line in (f"{log} --log-file /dev/full", f"{log} 2> /dev/full", f"TONIO_LOG_FILE=/dev/full {log}"):
                with self.subTest(line):
                    done = self.shell(line)
                    self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "done\n", ""))

    def test_the_log_is_a_pipe_whose_reader_has_left(self):
        self.write("app.py", TICKS)
        done = self.shell('{ "$TONIO" run app.py --log-level trace 2>&1 >&3 | head -1 > first; '
                          'echo "${PIPESTATUS[0]}"; } 3>&1; cat first')
        self.assertEqual(done.stdout.splitlines()[:2], ["done", "0"])
        self.assertIn("CPython", done.stdout.splitlines()[2])

    def test_a_reader_that_leaves_ends_the_run_with_one_traceback(self):
        """As python has it: 1, and BrokenPipeError; and where the last write came to a part of the
        data, what is left of them can't be flushed: 120, and a line more."""
        self.write("app.py", LINES)
        for threads in ("1", "2", "8"):
            done = self.shell(f'"$TONIO" run app.py --threads {threads} | head -1; echo "${{PIPESTATUS[0]}}"')
            broken = "BrokenPipeError: [Errno 32] Broken pipe\n"
            traceback, _, flushing = done.stderr.partition("Exception ignored on flushing sys.stdout:\n")
            self.assertEqual(done.stdout, "line 0\n120\n" if flushing else "line 0\n1\n")
            self.assertEqual(flushing, broken if flushing else "")
            self.assertEqual(traceback.count("Traceback"), 1)
            self.assertTrue(traceback.endswith(broken), done.stderr)

    def test_closed_descriptors_are_not_taken_for_sockets(self):
        self.write("app.py", """
            import os, tonio
            from tonio import net
            def echo(stream):
                yield stream.send_all((yield stream.receive_some()))
            def main():
                listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
                with tonio.scope() as scope:
                    scope.spawn(net.serve_listeners(echo, listeners))
                    with (yield net.open_tcp_stream(*listeners[0].socket.getsockname())) as stream:
                        yield stream.send_all(b"data")
                        received = yield stream.receive_some()
                        low = stream.socket.fileno() < 3
                    scope.cancel()
                yield scope()
                # What goes to them goes nowhere, not to a peer.
                for number in range(3):
                    os.write(number, b"x")
                with open("result", "w") as file:
                    print(received, low, file=file)
        """)
        for threads in ("1", "2", "8"):
            done = self.shell(f'"$TONIO" run app.py --threads {threads} <&- >&- 2>&-; echo $?')
            self.assertEqual(done.stdout, "0\n")
            self.assertEqual((self.folder / "result").read_text(), "b'data' False\n")
            (self.folder / "result").unlink()


main()
