"""SIGINT that the kernel hands to another thread than the main one: the run ends as with Ctrl-C."""

import unittest

from programs import run_program
from scenarios import main

PROGRAM = """
    import os, signal, sys, threading, time
    import tonio

    VICTIM, WORKERS = sys.argv[1], int(sys.argv[2])
    over = threading.Event()

    def here():
        return threading.get_ident(), threading.get_native_id()

    def sleeps(thread):
        with open(f"/proc/self/task/{thread}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "S"

    def interrupt(victim):
        ident, thread = victim
        while not sleeps(thread):
            time.sleep(0.001)
        signal.pthread_kill(ident, signal.SIGINT)

    def worker(meeting):
        yield
        meeting.wait()  # blocks the thread, so that the next one is of another worker
        return here()

    def blocks(entered, found):
        found.append(here())
        entered.set()
        while VICTIM == "a blocking thread" and not over.is_set():
            time.sleep(0.001)

    def waits(name, entered):
        try:
            entered.set()
            yield tonio.sleep(3600)
        finally:
            yield tonio.sleep(0.01)
            os.write(1, f"{name} cleaned up\\n".encode())  # at once, unlike print()

    def main():
        entered, found = tonio.Event(), []
        tonio.spawn.without_tracking(waits("task", entered))
        yield entered.wait()
        if VICTIM == "a task's own thread":
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        elif "worker" in VICTIM:
            meeting = threading.Barrier(WORKERS)
            found = yield [worker(meeting) for _ in range(WORKERS)]
            victim = min(found) if VICTIM == "a worker" else max(found)
        else:
            entered = tonio.Event()
            call = tonio.spawn_blocking(blocks, entered, found)
            yield entered.wait()
            if VICTIM == "an idle blocking thread":
                yield call
            victim = found[0]
        if found:
            threading.Thread(target=interrupt, args=(victim,)).start()
        try:
            yield waits("main", tonio.Event())
        finally:
            over.set()
"""


class Elsewhere(unittest.TestCase):
    def test_the_run_ends_as_with_ctrl_c(self):
        victims = [
            "a task's own thread", "a worker", "another worker",
            "a blocking thread", "an idle blocking thread",
        ]
        for victim in victims:
            for threads in ("1", "2"):
                with self.subTest(victim, threads=threads):
                    done = run_program(PROGRAM, "--threads", threads, args=(victim, threads))
                    self.assertEqual(done.code, 130, done.err)
                    self.assertEqual(
                        sorted(done.out.splitlines()), ["main cleaned up", "task cleaned up"]
                    )
                    self.assertIn("KeyboardInterrupt", done.err)
                    self.assertLess(len(done.err.splitlines()), 5, done.err)


if __name__ == "__main__":
    main()
