"""Nobody starves: giving way, the budget, timers and sockets under load."""

import threading
import time

import tonio
from scenarios import Scenarios, main
from tonio.net import socket


class OneWorker(Scenarios):
    options = {"threads": 1}

    def test_giving_way_takes_turns(self):
        order = []

        @self.task
        def task(name):
            for _ in range(5):
                order.append(name)
                yield

        yield tonio.spawn(task("a"), task("b"))
        self.assertEqual(sorted(order[:4]), ["a", "a", "b", "b"])
        self.assertEqual(sorted(order), ["a"] * 5 + ["b"] * 5)

    def stop_after_a_sleep(self, stop):
        """Sets `stop`: the test hangs if its sleep never ends."""

        @self.task
        def stopper():
            yield tonio.sleep(0.1)
            stop.append(True)

        return tonio.spawn(stopper())

    def test_a_loop_that_gives_way_does_not_starve_a_sleeper(self):
        stop = []
        stopper = self.stop_after_a_sleep(stop)
        while not stop:
            yield
        yield stopper

    def test_a_set_event_in_a_loop_does_not_starve_a_sleeper(self):
        stop = []
        stopper = self.stop_after_a_sleep(stop)
        event = tonio.Event()
        event.set()
        while not stop:
            yield event.wait()
        yield stopper

    def test_a_finished_handle_in_a_loop_does_not_starve_a_sleeper(self):
        stop = []
        stopper = self.stop_after_a_sleep(stop)
        handle = tonio.spawn(tonio.sleep(0))
        while not stop:
            yield handle
        yield stopper

    def test_ready_sockets_do_not_starve_a_sleeper(self):
        stop = []
        stopper = self.stop_after_a_sleep(stop)
        first, second = socket.socketpair()
        with first, second:
            while not stop:
                yield first.send(b"x")
                yield second.recv(1)
        yield stopper

    def test_ping_pong_does_not_starve_a_sleeper(self):
        stop = []
        stopper = self.stop_after_a_sleep(stop)
        ping, pong = tonio.Event(), tonio.Event()

        @self.task
        def player(mine, other):
            while not stop:
                yield mine.wait()
                mine.clear()
                other.set()

        players = tonio.spawn(player(ping, pong), player(pong, ping))
        ping.set()
        yield stopper
        ping.set()
        pong.set()
        yield players

    def test_tasks_that_spawn_each_other_do_not_starve_a_sleeper(self):
        stop = []
        stopper = self.stop_after_a_sleep(stop)

        @self.task
        def chain():
            if not stop:
                tonio.spawn.without_tracking(chain())
            yield

        yield chain()
        yield stopper


class TwoWorkers(Scenarios):
    options = {"threads": 2}

    def test_a_busy_worker_delays_neither_timers_nor_sockets(self):
        busy = threading.Event()
        stop = threading.Event()

        @self.task
        def computes():
            busy.set()
            while not stop.is_set():
                sum(range(1000))
            yield

        first, second = socket.socketpair()
        with first, second:
            handle = tonio.spawn(computes())
            while not busy.is_set():
                yield
            try:
                # With the busy worker's help none of this would end.
                for number in range(100):
                    yield tonio.sleep(0.0005)
                    yield first.send(b"x")
                    yield second.recv(1)
                start = time.monotonic()
                yield tonio.sleep(0.01)
                self.assertLess(time.monotonic() - start, 5)
            finally:
                stop.set()
            yield handle

    def test_a_wake_reaches_the_idle_worker_at_once(self):
        # The waker goes on computing: the woken task must not wait for it.
        event = tonio.Event()
        seen = threading.Event()

        @self.task
        def woken():
            yield event.wait()
            seen.set()

        @self.task
        def wakes():
            yield tonio.sleep(0.005)
            event.set()
            return seen.wait(30)

        handle = tonio.spawn(woken())
        self.assertTrue((yield wakes()))
        yield handle

    def test_a_spawned_task_reaches_the_idle_worker_at_once(self):
        seen = threading.Event()

        @self.task
        def spawned():
            seen.set()
            yield

        handle = tonio.spawn(spawned())
        self.assertTrue(seen.wait(30))
        yield handle


if __name__ == "__main__":
    main()
