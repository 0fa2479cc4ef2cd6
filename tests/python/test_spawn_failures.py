"""Tasks that fail: an ExceptionGroup where they are waited for."""

import traceback

import tonio
from scenarios import Scenarios, main
from tonio.exceptions import CancelledError


def fails(exception):
    yield
    raise exception


def succeeds():
    yield


class Failures(Scenarios):
    def test_of_one_task(self):
        error = ValueError("one")
        with self.assertRaises(ExceptionGroup) as caught:
            yield tonio.spawn(fails(error))
        self.assertEqual(caught.exception.exceptions, (error,))

    def test_of_several_tasks_are_together(self):
        errors = {ValueError("a"), KeyError("b")}
        with self.assertRaises(ExceptionGroup) as caught:
            yield tonio.spawn(*map(fails, errors), succeeds())
        self.assertEqual(set(caught.exception.exceptions), errors)

    def test_wait_for_the_others(self):
        ended = []

        @self.task
        def slow():
            yield tonio.sleep(0.01)
            ended.append(True)

        with self.assertRaises(ExceptionGroup):
            yield tonio.spawn(fails(ValueError()), slow())
        self.assertEqual(ended, [True])

    def test_have_their_tracebacks(self):
        @self.task
        def outer():
            yield inner()

        @self.task
        def inner():
            yield
            1 / 0

        try:
            yield tonio.spawn(outer())
        except ExceptionGroup as group:
            (error,) = group.exceptions
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        self.assertEqual([name for name in names if name in ("outer", "inner")], ["outer", "inner"])

    def test_base_exceptions_make_a_base_group(self):
        class Odd(BaseException):
            pass

        with self.assertRaises(BaseExceptionGroup) as caught:
            yield tonio.spawn(fails(Odd()), fails(ValueError()))
        self.assertNotIsInstance(caught.exception, ExceptionGroup)
        self.assertEqual(len(caught.exception.exceptions), 2)

    def test_can_be_caught_by_type(self):
        caught = []
        try:
            yield tonio.spawn(fails(ValueError("v")), fails(KeyError("k")))
        except* ValueError as group:
            caught += group.exceptions
        except* KeyError as group:
            caught += group.exceptions
        self.assertEqual(len(caught), 2)

    def test_without_results_raises_as_well(self):
        with self.assertRaises(ExceptionGroup):
            yield tonio.spawn.without_results(fails(ValueError()), succeeds())

    def test_come_again_when_awaited_again(self):
        handle = tonio.spawn(fails(ValueError("again")))
        for _ in range(3):
            with self.assertRaises(ExceptionGroup) as caught:
                yield handle
            self.assertEqual(str(caught.exception.exceptions[0]), "again")

    def test_come_to_every_task_that_waits(self):
        go = tonio.Event()

        @self.task
        def task():
            yield go.wait()
            raise ValueError("all")

        handle = tonio.spawn(task())

        @self.task
        def waits():
            with self.assertRaises(ExceptionGroup):
                yield handle
            return True

        waiting = tonio.spawn(*[waits() for _ in range(8)])
        yield tonio.sleep(0.001)
        go.set()
        self.assertEqual((yield waiting), [True] * 8)

    def test_a_task_that_ends_as_cancelled(self):
        with self.assertRaises(CancelledError):
            yield tonio.spawn(fails(CancelledError()))

    def test_called_coroutines_raise_as_they_are(self):
        with self.assertRaises(ValueError):
            yield fails(ValueError())


if __name__ == "__main__":
    main()
