"""The blocking pool: it grows when busy, up to its limit, and shrinks after its ttl."""

import unittest

from programs import run_program
from sanitizers import THREAD_SANITIZER
from scenarios import main

FIND_THREADS = """
import os

def blocking_threads():
    \"\"\"The states of the pool's threads, as proc(5) has them: S sleeps.\"\"\"
    states = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/stat") as stat:
                name, state = stat.read().split("(")[1].split(")")
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        if name.startswith("tonio-block"):
            states.append(state.split()[0])
    return states
"""


# Prints the seconds of a call, in the best of five series.
CALLS_BESIDE_COMPUTING_TASKS = """
import os, time, tonio

done = False

def nothing():
    pass

def compute():
    while not done:
        for _ in range(10_000):
            pass
        yield

def main():
    global done
    for _ in range(os.cpu_count()):
        tonio.spawn(compute())
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(200):
            yield tonio.spawn_blocking(nothing)
        seconds.append(time.perf_counter() - start)
    done = True
    print(min(seconds) / 200)
"""


class BlockingPool(unittest.TestCase):
    def check(self, text, *options):
        done = run_program(text, *options)
        self.assertEqual((done.code, done.err), (0, ""))
        return done.out

    def test_grows_when_busy(self):
        self.check("""
            import threading, tonio
            barrier = threading.Barrier(30, timeout=30)

            def main():
                yield [tonio.spawn_blocking(barrier.wait) for _ in range(30)]
        """, "--blocking-threads", "30")

    def test_stays_within_its_limit(self):
        out = self.check("""
            import threading, time, tonio
            running = most = 0
            lock = threading.Lock()

            def call():
                global running, most
                with lock:
                    running += 1
                    most = max(most, running)
                time.sleep(0.002)
                with lock:
                    running -= 1

            @tonio.main(blocking_threadpool_size=3)
            def main():
                yield [tonio.spawn_blocking(call) for _ in range(60)]

            main()
            print(running, most)
        """)
        running, most = map(int, out.split())
        self.assertEqual(running, 0)
        self.assertLessEqual(most, 3)

    def test_of_one_thread_keeps_the_order(self):
        self.check("""
            import tonio
            order = []

            def main():
                yield [tonio.spawn_blocking(order.append, i) for i in range(100)]
                assert order == list(range(100)), order
        """, "--blocking-threads", "1")

    def test_idle_threads_end_after_the_ttl(self):
        self.check(FIND_THREADS + """
import threading, tonio

barrier = threading.Barrier(5, timeout=30)

def main():
    yield [tonio.spawn_blocking(barrier.wait) for _ in range(5)]
    while blocking_threads():
        yield tonio.sleep(0.005)
        """, "--blocking-ttl", "0.05")

    def test_an_idle_thread_is_used_again(self):
        out = self.check(FIND_THREADS + """
import tonio

def main():
    for i in range(100):
        assert (yield tonio.spawn_blocking(int, i)) == i
        # The thread gives the result before it is idle.
        while "".join(states := blocking_threads()).strip("S"):
            yield
    print(len(states))
        """)
        self.assertEqual(out, "1\n")

    def test_calls_are_not_held_up_by_tasks_that_compute(self):
        # Who gives its processor away there has it back after milliseconds.
        limit = 0.01 if THREAD_SANITIZER else 0.001
        self.assertLess(float(self.check(CALLS_BESIDE_COMPUTING_TASKS)), limit)

    def test_work_handed_over_as_a_thread_times_out(self):
        self.check("""
            import tonio

            def main():
                for i in range(400):
                    assert (yield tonio.spawn_blocking(int, i)) == i
                    yield tonio.sleep(0.0005 + i % 5 * 0.0002)
        """, "--blocking-ttl", "0.001", "--blocking-threads", "2")


if __name__ == "__main__":
    main()
