"""A blocking call that runs when its waiter is cancelled gets CancelledError, too."""

import unittest

import interrupted
import tonio
from scenarios import main


class BlockingCancellation(unittest.TestCase):
    def end_while(self, left):
        """A run that ends while a task of its own waits; what that wrote down."""
        notes = []
        started = tonio.Event()

        def program():
            tonio.spawn.without_tracking(left(notes, started))
            yield started.wait()
            yield tonio.sleep(0.005)

        tonio.run(program(), threads=2)
        return notes

    def test_a_blocking_call_is_interrupted(self):
        def call(notes):
            try:
                interrupted.block()
            finally:
                notes.append("call")

        def left(notes, started):
            started.set()
            try:
                yield tonio.spawn_blocking(call, notes)
            finally:
                notes.append("task")

        self.assertEqual(self.end_while(left), ["call", "task"])

    def test_a_cancelled_error_never_hits_the_next_call_of_the_thread(self):
        def left(notes, started):
            started.set()
            yield tonio.spawn_blocking(interrupted.block)

        def calls():
            return (yield tonio.map_blocking(abs, range(-50, 0)))

        for _ in range(30):
            self.end_while(left)
            self.assertEqual(tonio.run(calls()), list(range(50, 0, -1)))


if __name__ == "__main__":
    main()
