"""contextvars: a copy for each task when asked for, shared otherwise."""

import contextvars
import unittest

import tonio
from scenarios import Scenarios, main

variable = contextvars.ContextVar("variable", default="default")


class Isolated(Scenarios):
    options = {"context": True}

    def test_a_task_sees_its_spawner_s_values(self):
        @self.task
        def reads():
            yield
            return variable.get()

        variable.set("spawner")
        self.assertEqual((yield tonio.spawn(reads())), "spawner")
        self.assertEqual((yield tonio.map(lambda _: reads(), range(2))), ["spawner"] * 2)

    def test_a_task_sees_the_values_at_its_spawning(self):
        go = tonio.Event()

        @self.task
        def reads():
            yield go.wait()
            return variable.get()

        variable.set("before")
        handle = tonio.spawn(reads())
        variable.set("after")
        go.set()
        self.assertEqual((yield handle), "before")

    def test_what_a_task_sets_stays_with_it(self):
        @self.task
        def sets(value):
            variable.set(value)
            for _ in range(20):
                yield
                self.assertEqual(variable.get(), value)

        variable.set("spawner")
        yield tonio.spawn(*[sets(value) for value in range(50)])
        self.assertEqual(variable.get(), "spawner")

    def test_a_called_coroutine_shares_its_caller_s(self):
        @self.task
        def sets():
            yield
            variable.set("called")

        yield sets()
        self.assertEqual(variable.get(), "called")

    def test_values_stay_across_suspensions(self):
        variable.set("mine")
        for wait in (tonio.sleep(0.001), tonio.sleep(0), tonio.spawn_blocking(len, "")):
            yield wait
            self.assertEqual(variable.get(), "mine")

    def test_a_token_can_be_reset_after_a_suspension(self):
        token = variable.set("changed")
        yield tonio.sleep(0.001)
        variable.reset(token)

    def test_a_blocking_call_sees_them_and_keeps_its_own(self):
        def call():
            seen = variable.get()
            variable.set("in the call")
            return seen

        variable.set("caller")
        self.assertEqual((yield tonio.spawn_blocking(call)), "caller")
        self.assertEqual(variable.get(), "caller")

    def test_after_an_exception(self):
        @self.task
        def fails():
            variable.set("failed")
            yield
            raise ValueError

        variable.set("outside")
        for _ in range(20):
            with self.assertRaises(ExceptionGroup):
                yield tonio.spawn(fails())
            try:
                yield 5 if self.notation == "yield" else tonio.spawn(fails())
            except (TypeError, ExceptionGroup):
                pass
        self.assertEqual(variable.get(), "outside")


class TheMainThreads(unittest.TestCase):
    def test_values_reach_the_main_coroutine(self):
        def reads():
            yield
            return variable.get()

        token = variable.set("main thread")
        self.assertEqual(tonio.run(reads(), context=True), "main thread")
        variable.reset(token)

    def test_values_do_not_come_back(self):
        def sets():
            yield
            variable.set("inside")

        tonio.run(sets(), context=True)
        self.assertEqual(variable.get(), "default")


class Shared(Scenarios):
    options = {"context": False, "threads": 1}

    def test_without_contexts_a_worker_s_tasks_share_theirs(self):
        @self.task
        def sets():
            variable.set("shared")
            yield

        yield tonio.spawn(sets())
        self.assertEqual(variable.get(), "shared")


if __name__ == "__main__":
    main()
