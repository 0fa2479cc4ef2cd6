"""Cancellation, time limits and completion race: whatever wins, every task ends, cleans
up, and gives back what it was given."""

import random
import time
import unittest

import tonio
from scale import WORKERS, scaled
from scenarios import main
from tonio.sync import Lock, Semaphore, channel
from tonio.time import timeout


class Races(unittest.TestCase):
    def race(self, program):
        for workers in WORKERS:
            with self.subTest(workers=workers):
                tonio.run(program(), threads=workers)

    def test_a_lock_survives_time_limits(self):
        def user(lock, state):
            for _ in range(20):
                _, got = yield timeout(hold(lock, state), random.choice((0, 0.00001, 0.0002, 1)))
                state["held" if got else "late"] += 1

        def hold(lock, state):
            with (yield lock()):
                state["inside"] += 1
                self.assertEqual(state["inside"], 1)
                try:
                    yield
                finally:
                    state["inside"] -= 1

        def program():
            for _ in range(scaled(20)):
                lock = Lock()
                state = {"held": 0, "late": 0, "inside": 0}
                yield [user(lock, state) for _ in range(8)]
                self.assertFalse(lock.locked())

        self.race(program)

    def test_a_semaphore_keeps_its_permits_under_cancellation(self):
        def user(semaphore):
            with (yield semaphore()):
                yield tonio.sleep(random.choice((0, 0.00001, 0.0001)))

        def program():
            for _ in range(scaled(100)):
                semaphore = Semaphore(3)
                with tonio.scope() as scope:
                    for _ in range(12):
                        scope.spawn(user(semaphore))
                    yield tonio.sleep(random.choice((0, 0.00005, 0.0002)))
                    scope.cancel()
                yield scope()
                self.assertEqual(semaphore.tokens(), 3)

        self.race(program)

    def test_a_second_cancellation_while_the_first_is_noted(self):
        def forever():
            yield tonio.sleep(3600)

        def waits_while_cleaning_up(scope, begun):
            begun.set()
            try:
                yield forever()
            finally:
                yield scope()

        def host(middle, left, begun):
            with tonio.scope() as first:
                first.spawn(forever())
            with middle:
                for _ in range(50):
                    with tonio.scope() as scope:
                        scope.spawn(forever())
                with tonio.scope() as second:
                    second.spawn(waits_while_cleaning_up(first, begun))
                left.set()
                yield second()

        def cancels(scope, delay):
            end = time.perf_counter() + delay
            while time.perf_counter() < end:
                pass
            scope.cancel()
            yield

        def program():
            for _ in range(scaled(40)):
                middle, left, begun = tonio.scope(), tonio.Event(), tonio.Event()
                with tonio.scope() as outer:
                    outer.spawn(host(middle, left, begun))
                    yield left.wait()
                    yield begun.wait()
                    delay = random.uniform(0, 0.0005)
                    yield tonio.spawn(cancels(middle, 0.0001), cancels(outer, delay))
                yield outer()

        self.race(program)

    def test_no_message_is_lost_or_doubled(self):
        def producer(sender, sent, base):
            for number in range(base, base + 50):
                _, done = yield timeout(sender.send(number), random.choice((0, 0.00002, 1)))
                if done:
                    sent.append(number)

        def consumer(receiver, received):
            while True:
                try:
                    message, got = yield timeout(
                        receiver.receive(), random.choice((0, 0.00002, 0.0001))
                    )
                except BrokenPipeError:
                    return
                if got:
                    received.append(message)

        def program():
            for _ in range(scaled(10)):
                sender, receiver = channel.channel(2)
                sent, received = [], []
                consumers = tonio.spawn(*[consumer(receiver, received) for _ in range(3)])
                yield [producer(sender, sent, base) for base in (0, 1000, 2000)]
                sender.close()
                yield consumers
                self.assertEqual(sorted(received), sorted(sent))

        self.race(program)

    def test_every_child_cleans_up_once(self):
        def child(log, number):
            try:
                while True:
                    yield random.choice((None, tonio.sleep(0.00001), tonio.sleep(0)))
            finally:
                yield
                log.append(number)

        def program():
            for _ in range(scaled(100)):
                log = []
                with tonio.scope(timeout=random.choice((0.0001, 0.0005))) as scope:
                    for number in range(10):
                        scope.spawn(child(log, number))
                    yield tonio.sleep(random.choice((0, 0.0002, 1)))
                    scope.cancel()
                yield scope()
                self.assertEqual(len(log), len(set(log)))

        self.race(program)

    def test_select_has_one_winner_and_no_runners(self):
        def runner(running, number):
            running.add(number)
            try:
                yield tonio.sleep(random.choice((0, 0.00001, 0.00002)))
                return number
            finally:
                running.discard(number)

        def program():
            for _ in range(scaled(150)):
                running = set()
                winner = yield tonio.select(*[runner(running, n) for n in range(5)])
                self.assertIn(winner, range(5))
                self.assertEqual(running, set())

        self.race(program)


if __name__ == "__main__":
    main()
