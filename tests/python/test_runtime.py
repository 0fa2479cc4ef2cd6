"""tonio.runtime(): runs that follow each other."""

import threading
import unittest

import tonio
from scenarios import main


def gives(value):
    yield
    return value


class RuntimeObject(unittest.TestCase):
    def test_runs_follow_each_other(self):
        runtime = tonio.runtime(threads=2)

        async def coroutine():
            return 2

        self.assertEqual(runtime.run_until_complete(gives(1)), 1)
        self.assertEqual(runtime.run_until_complete(coroutine()), 2)
        self.assertEqual(runtime.run_pygen_until_complete(gives(3)), 3)
        self.assertEqual(runtime.run_pyasyncgen_until_complete(coroutine()), 2)
        self.assertIsInstance(runtime, tonio.Runtime)

    def test_left_tasks_go_on_in_the_next_run(self):
        runtime = tonio.runtime()
        go, gone = tonio.Event(), tonio.Event()

        def left():
            yield go.wait()
            gone.set()

        def first():
            tonio.spawn.without_tracking(left())
            yield

        def second():
            go.set()
            yield gone.wait()

        runtime.run_until_complete(first())
        runtime.run_until_complete(second())
        self.assertTrue(gone.is_set())

    def test_stop_ends_left_tasks(self):
        runtime = tonio.runtime()
        started = tonio.Event()
        ended = []

        def left():
            try:
                started.set()
                yield tonio.Event().wait()
            finally:
                ended.append(True)

        def program():
            tonio.spawn.without_tracking(left())
            yield started.wait()

        runtime.run_until_complete(program())
        self.assertEqual(ended, [])
        runtime.stop()
        self.assertEqual(ended, [True])
        self.assertEqual(runtime.run_until_complete(gives(1)), 1)

    def test_run_forever_until_stopped_by_a_task(self):
        runtime = tonio.runtime()

        def stopper():
            yield tonio.sleep(0.05)
            runtime.stop()

        def start():
            tonio.spawn.without_tracking(stopper())
            yield

        runtime.run_until_complete(start())
        runtime.run_forever()

    def test_run_forever_until_stopped_by_a_thread(self):
        runtime = tonio.runtime()
        running = threading.Event()

        def signal_that_it_runs():
            while runtime._stopped is None:
                yield tonio.sleep(0.001)
            running.set()

        def start():
            tonio.spawn.without_tracking(signal_that_it_runs())
            yield

        def stop():
            running.wait()
            runtime.stop()

        for _ in range(3):
            running.clear()
            runtime.run_until_complete(start())
            thread = threading.Thread(target=stop)
            thread.start()
            runtime.run_forever()
            thread.join()

    def test_a_stop_before_run_forever_is_remembered(self):
        runtime = tonio.runtime()

        def stops():
            yield
            runtime.stop()

        runtime.run_until_complete(stops())
        runtime.run_forever()
        thread = threading.Thread(target=runtime.stop)
        thread.start()
        runtime.run_forever()
        thread.join()


if __name__ == "__main__":
    main()
