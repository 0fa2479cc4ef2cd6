"""Spawning from everywhere at once: nothing is lost, nothing runs twice."""

import threading
import unittest

import tonio
from scale import WORKERS, scaled
from scenarios import main


class SpawnStorm(unittest.TestCase):
    def check(self, workers):
        foreign = 4
        each = 10 * scaled(100)
        ran = [0] * foreign

        def leaf(number):
            yield
            return number

        def branch(number):
            results = yield [leaf(i) for i in range(8)]
            assert results == list(range(8))
            yield tonio.spawn.without_results(*[tonio.sleep(0) for _ in range(4)])
            return number

        def from_a_thread(thread):
            for number in range(each // 10):
                assert tonio.block_on(branch(number)) == number
                tonio.spawn.without_tracking(leaf(number))
                ran[thread] += 1

        def program():
            threads = [threading.Thread(target=from_a_thread, args=(i,)) for i in range(foreign)]
            for thread in threads:
                thread.start()
            results = yield [branch(number) for number in range(each)]
            assert results == list(range(each))
            for thread in threads:
                yield tonio.spawn_blocking(thread.join)

        for _ in range(3):
            tonio.run(program(), threads=workers)
        self.assertEqual(ran, [each // 10 * 3] * foreign)

    def test_one_worker(self):
        self.check(1)

    def test_two_workers(self):
        self.check(2)

    def test_eight_workers(self):
        self.check(8)

    def test_64_workers(self):
        self.check(64)


class PushBeforeAPark(unittest.TestCase):
    def test_a_push_during_a_worker_s_last_look_is_seen(self):
        # Between two calls every worker goes to sleep; each call must wake one.
        def nothing():
            yield

        for workers in WORKERS:
            def program():
                for _ in range(scaled(1000)):
                    yield tonio.spawn_blocking(tonio.block_on, nothing())

            tonio.run(program(), threads=workers)


if __name__ == "__main__":
    main()
