"""The blocking pool with threads that come and go all the time."""

import time
import unittest

import interrupted
import tonio
from programs import run_program
from scale import scaled
from scenarios import main


class BlockingChurn(unittest.TestCase):
    def check(self, threads, ttl):
        done = run_program(f"""
            import tonio

            def calls(task):
                for number in range({scaled(200)}):
                    assert (yield tonio.spawn_blocking(divmod, number, 7)) == divmod(number, 7)
                    if number % 4 == task % 4:
                        yield tonio.sleep(0.0003)

            def main():
                yield [calls(task) for task in range(20)]
                print("done")
        """, "--blocking-threads", str(threads), "--blocking-ttl", str(ttl))
        self.assertEqual((done.code, done.out, done.err), (0, "done\n", ""))

    def test_threads_that_end_at_once(self):
        self.check(8, 0)

    def test_threads_that_end_soon(self):
        self.check(8, 0.0005)

    def test_one_thread(self):
        self.check(1, 0.0005)

    def test_calls_cancelled_at_every_moment(self):
        """Queued, starting, running, done: the run that ends cancels them all."""
        for number in range(scaled(200)):
            inside = []

            def call():
                inside.append(1)
                time.sleep(0.0003)
                inside.pop()

            def waits():
                yield tonio.spawn_blocking(call)

            def program():
                tonio.spawn.without_tracking(*[waits() for _ in range(20)])
                yield tonio.sleep(number % 10 * 0.0001)

            tonio.run(program(), threads=2, blocking_threadpool_size=4)

    def test_endless_calls_cancelled_as_they_begin(self):
        def endless():
            while True:
                time.sleep(0)

        def waits():
            yield tonio.spawn_blocking(endless)

        def program():
            for number in range(scaled(300)):
                with tonio.scope() as scope:
                    for _ in range(4):
                        scope.spawn(waits())
                    for _ in range(number % 20):
                        yield
                    scope.cancel()
                yield scope()

        tonio.run(tonio.time.timeout(program(), 100), threads=2, blocking_threadpool_size=4)

    def test_results_of_the_next_calls_are_right(self):
        def waits():
            yield tonio.spawn_blocking(interrupted.block)

        def program():
            tonio.spawn.without_tracking(*[waits() for _ in range(4)])
            yield tonio.sleep(0.001)

        def calls():
            return (yield tonio.map_blocking(str, range(50)))

        for _ in range(scaled(60)):
            tonio.run(program(), threads=2)
            self.assertEqual(tonio.run(calls(), threads=2), [str(i) for i in range(50)])


if __name__ == "__main__":
    main()
