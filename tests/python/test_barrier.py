"""tonio.sync.Barrier: nobody passes until n have arrived."""

import threading
import unittest
import weakref

import tonio
from scenarios import Scenarios, main
from tonio import sync


class WithoutWaiting(unittest.TestCase):
    def test_ack_gives_the_index(self):
        barrier = sync.Barrier(2)
        self.assertEqual(barrier.value(), 0)
        # It goes on counting when it is complete.
        for index in range(5):
            self.assertEqual(barrier.ack(), index)
            self.assertEqual(barrier.value(), index + 1)

    def test_bad_numbers_are_refused(self):
        for error, number in [
            (ValueError, 0),
            (ValueError, -1),
            (ValueError, 2**64),
            (TypeError, 1.5),
            (TypeError, "1"),
        ]:
            with self.assertRaisesRegex(error, r"Barrier\(\): n must be"):
                sync.Barrier(number)
        with self.assertRaises(TypeError):
            sync.Barrier()

    def test_subclass_and_weak_reference(self):
        class Named(sync.Barrier):
            pass

        barrier = Named(n=1)
        reference = weakref.ref(barrier)
        self.assertIs(reference(), barrier)
        del barrier
        self.assertIsNone(reference())


class Wait(Scenarios):
    def test_for_all(self):
        barrier = sync.Barrier(3)
        count = 0
        lock = sync.Lock()

        @self.task
        def start_at_3():
            nonlocal count
            with (yield lock()):
                count += 1
            index = yield barrier.wait()
            self.assertEqual(count, 3)
            return index

        indices = yield tonio.spawn(*[start_at_3() for _ in range(3)])
        self.assertEqual(sorted(indices), [0, 1, 2])
        self.assertEqual(barrier.value(), 3)

    def test_of_one_does_not_suspend(self):
        barrier = sync.Barrier(1)
        self.assertEqual((yield barrier.wait()), 0)

    def test_once_it_is_complete_does_not_suspend(self):
        barrier = sync.Barrier(2)
        barrier.ack()
        for index in range(1, 5):
            self.assertEqual((yield barrier.wait()), index)

    def test_is_ended_by_a_thread_that_arrives(self):
        for _ in range(100):
            barrier = sync.Barrier(2)
            thread = threading.Thread(target=barrier.ack)
            thread.start()
            self.assertIn((yield barrier.wait()), (0, 1))
            thread.join()

    def test_awaited_again_arrives_again(self):
        barrier = sync.Barrier(3)
        wait = barrier.wait()

        @self.task
        def arrive():
            return (yield wait)

        indices = yield tonio.spawn(arrive(), arrive(), wait)
        self.assertEqual(sorted(indices), [0, 1, 2])


class Cancelled(unittest.TestCase):
    def test_an_arrival_counts(self):
        barrier = sync.Barrier(4)

        def waits():
            yield barrier.wait()

        def program():
            tonio.spawn.without_tracking(waits(), waits())
            while barrier.value() < 2:
                yield

        tonio.run(program())
        self.assertEqual(barrier.value(), 2)

        def rest():
            return (yield [barrier.wait(), barrier.wait()])

        self.assertEqual(sorted(tonio.run(rest())), [2, 3])


if __name__ == "__main__":
    main()
