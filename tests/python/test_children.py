"""Processes that tasks and blocking calls start are ordinary children."""

import os
import signal
import subprocess
import time
import unittest

import tonio
from programs import Program, run_program
from scenarios import Scenarios, main


def terminate_child():
    with subprocess.Popen(["sleep", "60"]) as child:
        child.terminate()
        return child.wait(20)


def blocked_signals():
    line = subprocess.run(
        ["grep", "SigBlk", "/proc/self/status"], capture_output=True, text=True, check=True
    ).stdout
    return int(line.split()[1], 16)


class Children(Scenarios):
    def test_one_that_a_task_starts_is_terminated(self):
        yield
        self.assertEqual(terminate_child(), -signal.SIGTERM)

    def test_one_that_a_blocking_call_starts_is_terminated(self):
        self.assertEqual((yield tonio.spawn_blocking(terminate_child)), -signal.SIGTERM)

    def test_they_block_no_signal(self):
        self.assertEqual(blocked_signals(), 0)
        self.assertEqual((yield tonio.spawn_blocking(blocked_signals)), 0)

    def test_a_forked_one_is_terminated(self):
        yield
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, b"x")
            signal.pause()
            os._exit(0)
        os.read(reader, 1)
        os.close(reader)
        os.close(writer)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), -signal.SIGTERM)


class ManySignals(unittest.TestCase):
    def test_a_pool_of_spawned_processes(self):
        done = run_program("""
            import multiprocessing, tonio

            def pool():
                with multiprocessing.get_context("spawn").Pool(2) as pool:
                    return pool.map(abs, [-1, 2])

            def main():
                print((yield tonio.spawn_blocking(pool)))

            if __name__ == "__main__":
                tonio.run(main())
        """)
        self.assertEqual((done.code, done.out, done.err), (0, "[1, 2]\n", ""))

    def test_a_storm_of_them_interrupts_nothing(self):
        with Program("""
            import signal, time, tonio
            from tonio.net import socket

            signal.signal(signal.SIGUSR1, lambda *_: None)

            def echo(sock):
                while data := (yield sock.recv(100)):
                    yield sock.sendall(data)

            def talk():
                first, second = socket.socketpair()
                with first, second:
                    echoing = tonio.spawn(echo(second))
                    for _ in range(300):
                        yield first.sendall(b"x" * 100)
                        left = 100
                        while left:
                            left -= len((yield first.recv(left)))
                    first.shutdown(socket.SHUT_WR)
                    yield echoing
                    yield tonio.spawn_blocking(time.sleep, 0.05)
                    yield tonio.sleep(0.05)

            def program():
                print("ready", flush=True)
                yield [talk() for _ in range(8)]

            tonio.run(program())
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            print("done", flush=True)
        """) as program:
            self.assertEqual(program.line(), "ready")
            for _ in range(1000):
                program.signal(signal.SIGUSR1)
                time.sleep(0.0005)
            done = program.end()
        self.assertEqual((done.code, done.out, done.err), (0, "done\n", ""), done.err)


if __name__ == "__main__":
    main()
