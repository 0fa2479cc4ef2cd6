"""A storm of signals: a timer's signal every millisecond, and every system call that can be
interrupted is, time and again. Nothing is lost, cut short or raised."""

import unittest

from programs import run_program
from scenarios import main

PROGRAM = """
    import os, signal, subprocess, sys, tempfile, threading, time
    import tonio
    from tonio import fs, net

    came = 0

    def on_alarm(*_):
        global came
        came += 1

    signal.signal(signal.SIGALRM, on_alarm)
    # Each thread's calls are to be interrupted, not only restarted.
    signal.siginterrupt(signal.SIGALRM, True)

    def storm(threads, over):
        # The kernel gives a process's signal to any thread, mostly the main one.
        while not over.is_set():
            for thread in threading.enumerate():
                try:
                    signal.pthread_kill(thread.ident, signal.SIGALRM)
                except (OSError, TypeError):
                    pass  # it has just ended
            time.sleep(0.001)

    def echo(stream):
        while data := (yield stream.receive_some()):
            yield stream.send_all(data)

    def client(address):
        message = os.urandom(300_000)
        with (yield net.open_tcp_stream(*address)) as stream:
            for _ in range(10):
                sending = tonio.spawn(stream.send_all(message))
                received = bytearray()
                while len(received) < len(message):
                    received += yield stream.receive_some()
                yield sending
                assert received == message

    def timers():
        for _ in range(50):
            begun = time.monotonic()
            yield tonio.sleep(0.005)
            assert time.monotonic() - begun >= 0.005

    def blocks():
        for _ in range(20):
            begun = time.monotonic()
            yield tonio.spawn_blocking(time.sleep, 0.01)
            assert time.monotonic() - begun >= 0.01

    def files(folder, number):
        path = fs.Path(folder) / str(number)
        data = os.urandom(100_000)
        for _ in range(10):
            yield path.write_bytes(data)
            assert (yield path.read_bytes()) == data

    def processes():
        for number in range(3):
            done = yield tonio.run_process(["cat"], stdin=b"x" * 100_000, capture_stdout=True)
            assert done.stdout == b"x" * 100_000

    def main():
        over = threading.Event()
        stormy = threading.Thread(target=storm, args=(None, over))
        stormy.start()
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        listeners = yield net.open_tcp_listeners(0, host="127.0.0.1")
        address = listeners[0].socket.getsockname()
        with tempfile.TemporaryDirectory() as folder:
            with tonio.scope() as scope:
                scope.spawn(net.serve_listeners(echo, listeners))
                yield [
                    *(client(address) for _ in range(4)), *(timers() for _ in range(4)),
                    *(blocks() for _ in range(4)), *(files(folder, n) for n in range(4)), processes(),
                ]
                scope.cancel()
            yield scope()
        signal.setitimer(signal.ITIMER_REAL, 0)
        over.set()
        yield tonio.spawn_blocking(stormy.join)
        print("all came through", came > 50)

    tonio.run(main())
"""


class Storm(unittest.TestCase):
    maxDiff = None

    def test_every_call_is_interrupted(self):
        for threads in ("1", "2", "8"):
            done = run_program(PROGRAM, "--threads", threads)
            self.assertEqual((done.code, done.out, done.err), (0, "all came through True\n", ""))


if __name__ == "__main__":
    main()
