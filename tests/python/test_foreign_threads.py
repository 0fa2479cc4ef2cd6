"""Objects of tonio used from threads that are not the runtime's."""

import queue
import threading

import tonio
from scenarios import Scenarios, main
from tonio.net import socket


def in_threads(count, function):
    """Runs function(number) in so many threads at once; raises what one raised."""
    errors = queue.SimpleQueue()
    barrier = threading.Barrier(count)

    def work(number):
        try:
            barrier.wait()
            function(number)
        except BaseException as error:
            errors.put(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a thread hangs"
    if not errors.empty():
        raise errors.get()


class ForeignThreads(Scenarios):
    options = {"threads": 2}

    def test_set_and_clear_events(self):
        events = [tonio.Event() for _ in range(200)]

        @self.task
        def waits(event):
            yield event.wait()

        handle = tonio.spawn(*map(waits, events))

        def work(number):
            for event in events:
                event.is_set()
                event.set()

        yield tonio.spawn_blocking(in_threads, 4, work)
        yield handle

    def test_spawn_tasks(self):
        done = []

        @self.task
        def task(number):
            yield tonio.sleep(0)
            done.append(number)

        def work(number):
            for i in range(50):
                tonio.spawn.without_tracking(task(i))
                tonio.block_on(tonio.spawn(task(i)))

        yield tonio.spawn_blocking(in_threads, 4, work)
        while len(done) < 400:
            yield
        self.assertEqual(len(done), 400)

    def test_make_blocking_calls(self):
        def work(number):
            for i in range(30):
                assert tonio.block_on(tonio.spawn_blocking(int, i)) == i

        yield tonio.spawn_blocking(in_threads, 4, work)

    def test_close_a_socket_that_a_task_waits_on(self):
        for _ in range(20):
            first, second = socket.socketpair()
            handle = tonio.spawn(first.recv(1))
            yield tonio.sleep(0.0005)
            yield tonio.spawn_blocking(in_threads, 2, lambda _: first.close())
            with self.assertRaises(ExceptionGroup) as caught:
                yield handle
            self.assertIsInstance(caught.exception.exceptions[0], OSError)
            second.close()


if __name__ == "__main__":
    main()
