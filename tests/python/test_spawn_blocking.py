"""tonio.spawn_blocking(): results, errors, arguments, contexts."""

import gc
import threading
import weakref

import tonio
from scenarios import Scenarios, main


def raises(exception):
    raise exception


class Thing:
    pass


class SpawnBlocking(Scenarios):
    def test_gives_the_result(self):
        self.assertEqual((yield tonio.spawn_blocking(len, "four")), 4)
        self.assertIsNone((yield tonio.spawn_blocking(lambda: None)))

    def test_passes_all_arguments_on(self):
        def collect(*args, **kwargs):
            return args, kwargs

        result = yield tonio.spawn_blocking(collect, 1, 2, fn=3, self=4)
        self.assertEqual(result, ((1, 2), {"fn": 3, "self": 4}))

    def test_runs_on_another_thread_than_the_workers(self):
        worker = threading.get_ident()
        self.assertNotEqual((yield tonio.spawn_blocking(threading.get_ident)), worker)

    def test_begins_at_once(self):
        began = threading.Event()
        call = tonio.spawn_blocking(began.set)
        while not began.is_set():
            yield tonio.sleep(0.0005)
        yield call

    def test_does_not_hold_the_workers_up(self):
        release = threading.Event()
        calls = tonio.spawn(*[tonio.spawn_blocking(release.wait, 30) for _ in range(20)])
        yield tonio.sleep(0.001)
        release.set()
        self.assertEqual((yield calls), [True] * 20)

    def test_raises_what_the_call_raises(self):
        for error in (ValueError("v"), SystemExit(3), KeyboardInterrupt()):
            with self.assertRaises(type(error)) as caught:
                yield tonio.spawn_blocking(raises, error)
            self.assertIs(caught.exception, error)

    def test_a_stop_iteration_is_no_result(self):
        error = StopIteration(4)
        with self.assertRaises((StopIteration, RuntimeError)) as caught:
            yield tonio.spawn_blocking(raises, error)
        # Where it is awaited it must not end the coroutine: as where it leaves one.
        self.assertIn(error, (caught.exception, caught.exception.__cause__))

    def test_the_traceback_shows_the_call(self):
        try:
            yield tonio.spawn_blocking(raises, ValueError())
        except ValueError as error:
            names = []
            traceback = error.__traceback__
            while traceback:
                names.append(traceback.tb_frame.f_code.co_name)
                traceback = traceback.tb_next
        self.assertEqual(names[-1], "raises")

    def test_may_be_awaited_twice_and_by_several(self):
        call = tonio.spawn_blocking(Thing)
        first = yield call
        self.assertIs((yield call), first)
        self.assertEqual((yield tonio.spawn(call, call)), [first, first])

    def test_frees_arguments_and_function(self):
        thing = Thing()
        reference = weakref.ref(thing)
        call = tonio.spawn_blocking(lambda first, keyword: None, thing, keyword=thing)
        del thing
        yield call
        gc.collect()
        self.assertIsNone(reference())

    def test_frees_the_result(self):
        reference = weakref.ref((yield tonio.spawn_blocking(Thing)))
        # What was sent in lives until the coroutine suspends again.
        yield tonio.sleep(0)
        gc.collect()
        self.assertIsNone(reference())

    def test_bad_arguments_are_refused(self):
        with self.assertRaisesRegex(TypeError, "takes a function"):
            tonio.spawn_blocking()
        with self.assertRaisesRegex(TypeError, "takes a function, not 5"):
            tonio.spawn_blocking(5)
        with self.assertRaisesRegex(TypeError, "takes a function"):
            tonio.spawn_blocking(fn=len)
        yield

    def test_wrong_arguments_for_the_function(self):
        with self.assertRaises(TypeError):
            yield tonio.spawn_blocking(len)

    def test_out_of_a_blocking_call(self):
        def calls_another():
            return tonio.block_on(tonio.spawn_blocking(len, "abc"))

        self.assertEqual((yield tonio.spawn_blocking(calls_another)), 3)


if __name__ == "__main__":
    main()
