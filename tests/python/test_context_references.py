"""A task's context, and what is set in it, goes when the task has ended, by an exception as well."""

import contextvars
import gc
import sys
import unittest
import weakref

import tonio
from scenarios import Scenarios, main

variable = contextvars.ContextVar("variable")
ROUNDS = 500


class Value:
    """Something that can be referred to weakly."""


def context_of(value):
    """The one in which it is the variable's value."""
    # A list first: what a generator holds while it goes on would count.
    contexts = [found for found in gc.get_objects() if type(found) is contextvars.Context]
    return next(context for context in contexts if context.get(variable) is value)


class References(Scenarios):
    options = {"context": True, "threads": 1}

    def failing(self, values):
        @self.task
        def called():
            yield tonio.sleep(0)
            raise ValueError

        @self.task
        def fails():
            values.append(weakref.ref(value := Value()))
            variable.set(value)
            yield called()

        return fails()

    def test_of_a_task_that_others_fail_for(self):
        variable.set(value := Value())
        context = context_of(value)
        values = []
        counts = []
        for _ in range(ROUNDS):
            with self.assertRaises(ExceptionGroup):
                yield tonio.spawn(self.failing(values))
            with self.assertRaises(ZeroDivisionError):
                yield tonio.spawn_blocking(lambda: 1 / 0)
            counts.append(sys.getrefcount(context))
        gc.collect()
        self.assertEqual({reference() for reference in values}, {None})
        self.assertEqual(sys.getrefcount(context), counts[0])

    def test_of_a_task_that_fails_and_goes_on(self):
        @self.task
        def raises():
            yield tonio.sleep(0)
            raise ValueError

        variable.set(value := Value())
        context = context_of(value)
        before = sys.getrefcount(context)
        for _ in range(ROUNDS):
            with self.assertRaises(ValueError):
                yield raises()
            with self.assertRaises(TypeError):
                yield tonio.sleep(None)
        self.assertEqual(sys.getrefcount(context), before)


class OfARun(unittest.TestCase):
    def test_that_has_failed(self):
        for threads in (1, 2, 8):
            kept = []

            def fails(kept=kept):
                variable.set(value := Value())
                kept.append(context_of(value))
                yield [tonio.sleep(0) for _ in range(20)]
                raise ValueError

            with self.assertRaises(ValueError):
                tonio.run(fails(), context=True, threads=threads)
            gc.collect()
            context = kept.pop()
            # The name's and the argument's.
            self.assertEqual(sys.getrefcount(context), 2)


if __name__ == "__main__":
    main()
