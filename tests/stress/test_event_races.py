"""Setting, clearing and waiting at once: no wake is lost."""

import threading
import unittest

import tonio
from scale import WORKERS, scaled
from scenarios import main


class SetAgainstWait(unittest.TestCase):
    def test_from_foreign_threads(self):
        rounds = scaled(10_000)
        events = [tonio.Event() for _ in range(rounds)]
        barrier = threading.Barrier(2)

        def set_all():
            barrier.wait()
            for event in events:
                event.set()

        def program():
            setting = tonio.spawn_blocking(set_all)
            yield tonio.spawn_blocking(barrier.wait)
            for event in events:
                yield event.wait()
            yield setting

        for workers in WORKERS:
            for event in events:
                event.clear()
            tonio.run(program(), threads=workers)

    def test_with_a_timeout_at_the_same_moment(self):
        def waits(event):
            yield event.wait(0.0002)

        def sets(event):
            yield tonio.sleep(0.0002)
            event.set()

        def program():
            for _ in range(scaled(60)):
                events = [tonio.Event() for _ in range(100)]
                yield [make(event) for event in events for make in (waits, sets)]

        for workers in WORKERS:
            tonio.run(program(), threads=workers)

    def test_ping_pong_between_tasks_and_threads(self):
        ping, pong = tonio.Event(), tonio.Event()
        rounds = scaled(4000)

        def thread():
            for _ in range(rounds):
                tonio.block_on(ping.wait())
                ping.clear()
                pong.set()

        def program():
            other = tonio.spawn_blocking(thread)
            for _ in range(rounds):
                ping.set()
                yield pong.wait()
                pong.clear()
            yield other

        tonio.run(program(), threads=2)

    def test_cancelled_at_the_same_moment(self):
        # The run ends, and cancels, while the event is being set.
        for _ in range(scaled(400)):
            event = tonio.Event()
            setter = threading.Thread(target=event.set)

            def waits():
                yield event.wait()

            def program():
                tonio.spawn.without_tracking(*[waits() for _ in range(20)])
                yield
                setter.start()

            tonio.run(program(), threads=2)
            setter.join()


if __name__ == "__main__":
    main()
