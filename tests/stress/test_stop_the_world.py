"""The collector stops the world while everything else happens.

The collecting threads rest for a moment between two collections: CPython lets a thread
that collects without a pause starve those that want to attach, whoever they are.
"""

import gc
import threading
import time
import unittest

import tonio
from programs import run_program
from scale import WORKERS, scaled
from scenarios import main
from tonio.net import socket


class StopTheWorld(unittest.TestCase):
    def test_during_a_run(self):
        def collects():
            for _ in range(scaled(8)):
                gc.collect()
                yield

        def works():
            first, second = socket.socketpair()
            with first, second:
                for number in range(scaled(20)):
                    yield first.sendall(b"x")
                    yield second.recv(1)
                    yield tonio.sleep(0.0001)
                    yield tonio.spawn_blocking(int, number)
                    yield [tonio.sleep(0) for _ in range(5)]

        def program():
            yield [collects(), collects(), *[works() for _ in range(8)]]

        for workers in WORKERS:
            tonio.run(program(), threads=workers)

    def test_while_workers_start_and_stop(self):
        stop = threading.Event()

        def collect():
            while not stop.is_set():
                gc.collect()
                time.sleep(0.0005)

        def program():
            yield [tonio.sleep(0) for _ in range(10)]

        thread = threading.Thread(target=collect)
        thread.start()
        try:
            for number in range(scaled(12)):
                tonio.run(program(), threads=number % 8 + 1)
        finally:
            stop.set()
            thread.join()

    def test_at_the_end_of_a_program(self):
        for number in range(scaled(3)):
            done = run_program("""
                import gc, threading, time, tonio

                def collects():
                    while True:
                        gc.collect()
                        yield

                def in_a_thread():
                    while True:
                        gc.collect()
                        time.sleep(0.0005)

                def calls():
                    yield tonio.spawn_blocking(in_a_thread)

                def main():
                    tonio.spawn.without_tracking(collects(), collects(), calls())
                    threading.Thread(target=in_a_thread, daemon=True).start()
                    yield tonio.sleep(0.02)
                    print("main has ended")
            """, "--threads", str(number % 3 + 1), timeout=30)
            self.assertEqual((done.code, done.out, done.err), (0, "main has ended\n", ""))


if __name__ == "__main__":
    main()
