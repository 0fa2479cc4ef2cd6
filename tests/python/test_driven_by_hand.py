"""Coroutines driven by hand: what they wait on is left when something else is awaited,
nothing hangs."""

import unittest

import tonio
from scenarios import main


async def sleeps():
    await tonio.sleep(0.001)
    return "slept"


class OutsideOfATask(unittest.TestCase):
    def test_an_operation_says_what_to_do(self):
        coroutine = sleeps()
        with self.assertRaisesRegex(RuntimeError, r"tonio\.run\(\)"):
            coroutine.send(None)
        for operation in (tonio.sleep(1), tonio.Event().wait(), tonio.spawn()):
            with self.assertRaisesRegex(RuntimeError, "can be awaited in a task"):
                next(operation)

    def test_operations_may_be_dropped(self):
        for _ in range(100):
            tonio.sleep(1)
            tonio.Event().wait(1)
            tonio.spawn()

    def test_operations_cannot_be_made_by_their_types(self):
        for operation in (tonio.sleep(1), tonio.Event().wait(), tonio.spawn()):
            with self.assertRaises(TypeError):
                type(operation)()

    def test_send_takes_no_value(self):
        with self.assertRaisesRegex(TypeError, "takes no value"):
            tonio.sleep(0).send(1)

    def test_what_is_thrown_into_an_operation_comes_out(self):
        operation = tonio.sleep(1)
        with self.assertRaisesRegex(ValueError, "mine"):
            operation.throw(ValueError("mine"))
        with self.assertRaises(ValueError):
            operation.throw(ValueError)
        with self.assertRaises(TypeError):
            operation.throw(5)
        with self.assertRaises(TypeError):
            operation.throw()
        self.assertIsNone(operation.close())


class InsideATask(unittest.TestCase):
    def test_driving_again_is_refused(self):
        event = tonio.Event()

        def program():
            coroutine = sleeps()
            coroutine.send(None)
            with self.assertRaisesRegex(RuntimeError, "Sleep was driven again.*`await`"):
                coroutine.send(None)
            # list() would go on until the memory is full.
            for operation in (event.wait(), tonio.sleep(1), tonio.spawn(event.wait())):
                with self.assertRaisesRegex(RuntimeError, "driven again"):
                    list(operation)
            event.set()
            # The task itself is as good as ever.
            yield tonio.sleep(0.001)
            return (yield sleeps())

        self.assertEqual(tonio.run(program()), "slept")

    def test_driving_another_while_one_waits(self):
        def program():
            first, second = sleeps(), sleeps()
            first.send(None)
            second.send(None)
            yield tonio.sleep(0)
            first.close()
            second.close()

        tonio.run(program())

    def test_awaiting_while_one_waits(self):
        async def program():
            coroutine = sleeps()
            coroutine.send(None)
            await tonio.sleep(0)
            self.assertEqual(await sleeps(), "slept")

        tonio.run(program())

    def test_closing_one_that_awaits_in_its_finally(self):
        async def inner():
            try:
                await tonio.sleep(1)
            finally:
                await tonio.sleep(0.001)

        async def program():
            for _ in range(50):
                coroutine = inner()
                coroutine.send(None)
                with self.assertRaisesRegex(RuntimeError, "ignored GeneratorExit"):
                    coroutine.close()
            start = tonio.time.time()
            await tonio.sleep(0.05)
            return tonio.time.time() - start

        self.assertGreaterEqual(tonio.run(program()), 0.05)

    def test_operations_of_all_kinds_are_left_for_others(self):
        event = tonio.Event()

        async def waits(operation):
            await operation

        async def program():
            handle = tonio.spawn(sleeps())
            call = tonio.spawn_blocking(int)
            for _ in range(20):
                for operation in (event.wait(), event.wait(5), tonio.sleep(0), handle, call):
                    coroutine = waits(operation)
                    try:
                        coroutine.send(None)
                    except StopIteration:
                        pass
            event.set()
            await event.wait()
            return await handle, await call

        self.assertEqual(tonio.run(program()), ("slept", 0))

    def test_dropping_what_it_waits_on(self):
        def program():
            for _ in range(50):
                coroutine = sleeps()
                coroutine.send(None)
                del coroutine
                yield tonio.sleep(0.0001)

        tonio.run(program())

    def test_ending_while_it_waits(self):
        event = tonio.Event()

        async def waits():
            await event.wait()

        async def leaves_it():
            coroutine = waits()
            coroutine.send(None)
            return "left"

        def program():
            left = yield tonio.spawn(leaves_it())
            event.set()
            yield tonio.sleep(0)
            return left

        self.assertEqual(tonio.run(program()), "left")

    def test_an_event_set_after_it_was_abandoned_wakes_nobody(self):
        event, other = tonio.Event(), tonio.Event()

        async def waits():
            await event.wait()

        def program():
            coroutine = waits()
            coroutine.send(None)
            start = tonio.time.time()
            handle = tonio.spawn(tonio.spawn_blocking(event.set))
            yield other.wait(0.05)
            took = tonio.time.time() - start
            yield handle
            return took

        self.assertGreaterEqual(tonio.run(program()), 0.05)


if __name__ == "__main__":
    main()
