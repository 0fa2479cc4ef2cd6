"""What only a task can do, done on a thread that runs none: an error that says what to do."""

import asyncio
import threading
import unittest

import _tonio
import tonio
from scenarios import Scenarios, main
from tonio import sync
from tonio.sync import channel


async def sleeps():
    await tonio.sleep(0)
    return "slept"


def on_a_thread(function):
    """Calls function on a threading.Thread; raises what it raised."""
    outcome = []

    def call():
        try:
            outcome.append((function(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "the thread hangs"
    result, error = outcome.pop()
    if error is not None:
        raise error
    return result


class DuringARun(Scenarios):
    options = {"threads": 2}

    def on_a_thread(self, function):
        return tonio.spawn_blocking(on_a_thread, function)

    def test_operations_wait_in_tasks_only(self):
        sender, receiver = channel.channel(1)
        for make in (
            lambda: tonio.sleep(1),
            lambda: tonio.Event().wait(),
            lambda: tonio.spawn(sleeps()),
            lambda: receiver.receive(),
            lambda: sync.Lock().acquire(),
        ):
            for drive in (next, list, lambda it: it.send(None)):
                with self.assertRaisesRegex(RuntimeError, r"tonio\.run\(\) or tonio\.block_on\(\)"):
                    yield self.on_a_thread(lambda: drive(iter(make())))  # noqa: B023

    def test_another_event_loop_does_not_know_them(self):
        with self.assertRaisesRegex(RuntimeError, "can be awaited in a task of tonio"):
            yield self.on_a_thread(lambda: asyncio.run(sleeps()))

    def test_scopes_are_entered_by_tasks(self):
        with self.assertRaisesRegex(RuntimeError, "entered by a task"):
            yield self.on_a_thread(tonio.scope().__enter__)

    def test_a_second_run_is_refused(self):
        coroutine = sleeps()
        with self.assertRaisesRegex(RuntimeError, r"use tonio\.block_on\(\)"):
            yield self.on_a_thread(lambda: tonio.run(coroutine))
        # It is as good as ever.
        self.assertEqual((yield self.on_a_thread(lambda: tonio.block_on(coroutine))), "slept")

    def test_a_scope_of_a_task(self):
        ended = []

        def child():
            try:
                yield tonio.Event().wait()
            finally:
                ended.append(True)

        def body(scope):
            yield self.on_a_thread(lambda: scope.spawn(child()))
            yield tonio.sleep(0.01)
            yield self.on_a_thread(scope.cancel)

        yield self.scoped(body)
        self.assertEqual(ended, [True])

    def test_locks_are_released_anywhere(self):
        lock = sync.Lock()
        yield lock.acquire()
        yield self.on_a_thread(lock.release)
        self.assertFalse(lock.locked())
        with self.assertRaises(RuntimeError):
            yield self.on_a_thread(lock.release)


class WithoutARun(unittest.TestCase):
    def test_a_run_on_another_thread(self):
        self.assertEqual(on_a_thread(lambda: tonio.run(sleeps())), "slept")
        self.assertEqual(on_a_thread(lambda: tonio.block_on(sleeps())), "slept")

    def test_what_needs_a_task(self):
        for function in (
            lambda: next(tonio.sleep(0)),
            lambda: tonio.scope().__enter__(),
            lambda: list(tonio.Event().wait(0)),
        ):
            for call in (on_a_thread, lambda function: function()):
                with self.assertRaises(RuntimeError):
                    call(function)

    def test_what_the_package_asks_of_its_task(self):
        """There is none: no task ends with the run, and an exception is only raised."""
        for call in (on_a_thread, lambda function: function()):
            self.assertIs(call(_tonio.ends_with_run), False)
            with self.assertRaises(tonio.exceptions.CancelledError):
                call(lambda: _tonio.raise_outcome(tonio.exceptions.CancelledError(), True))


if __name__ == "__main__":
    main()
