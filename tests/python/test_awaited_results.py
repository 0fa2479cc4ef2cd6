"""The StopIteration that brings an awaited result, as who drives an operation by hand gets it: it
is used again, and nobody may notice."""

import gc
import sys
import unittest
import weakref

import tonio
from tonio.sync import channel

RESULTS = (7, True, b"bytes", "text", (1, 2), 3.5, bytes(1 << 20))


def caught(operation):
    """The StopIteration that ends it, which is ready."""
    try:
        next(operation)
    except StopIteration as stop:
        return stop
    raise AssertionError("it was not ready")


class AwaitedResults(unittest.TestCase):
    def run_with_channel(self, program):
        """Runs program(ready), where ready(value) gives an operation with that result."""
        send, receive = channel.unbounded()

        def ready(value):
            send.send(value)
            return receive.receive()

        tonio.run(program(ready), threads=1)

    def test_one_that_is_kept_keeps_its_result(self):
        async def program(ready):
            kept = [caught(ready(result)) for result in RESULTS]
            for result in RESULTS:
                self.assertEqual(await ready(result), result)
            self.assertEqual([stop.value for stop in kept], list(RESULTS))
            self.assertEqual(len({id(stop) for stop in kept}), len(RESULTS))

        self.run_with_channel(program)

    def test_what_was_done_to_one_is_not_on_the_next(self):
        def add_attribute(stop):
            stop.mine = 1

        changes = {
            "attribute": add_attribute,
            "note": lambda stop: stop.add_note("mine"),
            "cause": lambda stop: setattr(stop, "__cause__", ValueError()),
            "context": lambda stop: setattr(stop, "__context__", ValueError()),
            "arguments": lambda stop: setattr(stop, "args", (1,)),
            "value": lambda stop: setattr(stop, "value", "changed"),
        }

        async def program(ready):
            for name, change in changes.items():
                for result in RESULTS:
                    with self.subTest(name, result=type(result)):
                        change(caught(ready(result)))
                        stop = caught(ready(result))
                        self.assertEqual(stop.value, result)
                        self.assertEqual(vars(stop), {})
                        self.assertEqual((stop.__cause__, stop.__context__), (None, None))
                        self.assertEqual(stop.args, ())
                        self.assertIsNone(stop.__traceback__.tb_next)
                        del stop

        self.run_with_channel(program)

    def test_results_that_have_finalizers_are_freed_at_once(self):
        class Thing:
            pass

        async def program(ready):
            thing = Thing()
            gone = weakref.ref(thing)
            operation = ready(thing)
            del thing
            await operation
            del operation
            self.assertIsNone(gone())

        self.run_with_channel(program)

    def test_large_ones_are_freed_at_once(self):
        async def program(ready):
            large = await ready(bytes(1 << 20))
            before = sys.getrefcount(b"".join([b"x", b"y"]))  # of a fresh object
            self.assertEqual(sys.getrefcount(large), before + 1)

        self.run_with_channel(program)

    def test_nothing_is_left_in_the_end(self):
        async def program(ready):
            for result in RESULTS:
                await ready(result)
                caught(ready(result))

        for _ in range(3):
            self.run_with_channel(program)
            gc.collect()
            left = [o for o in gc.get_objects() if isinstance(o, StopIteration)]
            # Each thread of the runtime may keep one.
            self.assertLessEqual(len(left), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
