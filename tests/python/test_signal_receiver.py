"""signal_receiver() inside a run: who gets what, in which order, and how iterations end."""

import itertools
import os
import signal
import threading
import unittest

import tonio
from sanitizers import THREAD_SANITIZER
from scenarios import Scenarios, main

HUP, USR1, USR2 = signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2
REAL_TIME = signal.SIGRTMIN + 1


# ThreadSanitizer keeps one signal of each number at most.
needs_every_signal = unittest.skipIf(THREAD_SANITIZER, "ThreadSanitizer loses signals")


def send(number, times=1):
    for _ in range(times):
        os.kill(os.getpid(), number)


class Receivers(Scenarios):
    options = {"signals": [HUP, USR1, USR2, REAL_TIME]}

    def receiving(self, sigs, count, ready=None):
        """A coroutine in the test's notation that iterates over a receiver which is
        entered, and gives the first `count` signals, or what comes until it is left."""

        def plain():
            got = []
            arrivals = iter(sigs)
            if ready:
                ready.set()
            for event in arrivals:
                sig = yield event
                if sig is None:
                    continue  # the next step must end the loop
                got.append(sig)
                if len(got) == count:
                    break
            return got

        async def colored():
            got = []
            arrivals = aiter(sigs)
            if ready:
                ready.set()
            async for sig in arrivals:
                got.append(sig)
                if len(got) == count:
                    break
            return got

        return plain() if self.notation == "yield" else colored()

    def test_gives_the_signal_to_a_task_that_waits(self):
        with tonio.signal_receiver(USR1) as sigs:
            waiting = tonio.spawn(self.receiving(sigs, 1))
            yield
            send(USR1)
            got = yield waiting
        self.assertEqual(got, [USR1])
        self.assertIs(type(got[0]), signal.Signals)

    def test_one_that_nobody_waits_for(self):
        """Whoever goes on without waiting, as list() does, is told, and does not go on for ever."""
        with tonio.signal_receiver(USR1) as sigs:
            with self.assertRaises(RuntimeError):
                list(itertools.islice(next(iter(sigs)), 3))
        yield

    def test_gives_what_came_before_it_was_waited_for(self):
        with tonio.signal_receiver(USR1, USR2) as sigs:
            for number in (USR1, USR2, USR1):
                # Entered later, so it gets the signal after the other has.
                with tonio.signal_receiver(number) as others:
                    send(number)
                    yield self.receiving(others, 1)
            self.assertEqual((yield self.receiving(sigs, 3)), [USR1, USR2, USR1])

    def test_nothing_is_lost_between_two_iterations(self):
        with tonio.signal_receiver(USR1) as sigs:
            for _ in range(200):
                send(USR1)
                self.assertEqual((yield self.receiving(sigs, 1)), [USR1])

    @needs_every_signal
    def test_counts_as_the_kernel_delivers(self):
        # Real-time signals are queued, so as many come as were sent.
        with tonio.signal_receiver(REAL_TIME) as sigs:
            send(REAL_TIME, 50)
            self.assertEqual((yield self.receiving(sigs, 50)), [REAL_TIME] * 50)

    def test_every_receiver_gets_it(self):
        with (
            tonio.signal_receiver(USR1) as first,
            tonio.signal_receiver(USR1, USR2) as second,
            tonio.signal_receiver(USR2) as third,
        ):
            waiting = tonio.spawn(
                self.receiving(first, 1), self.receiving(second, 2), self.receiving(third, 1)
            )
            send(USR1)
            send(USR2)
            got = yield waiting
        self.assertEqual((got[0], sorted(got[1]), got[2]), ([USR1], [USR1, USR2], [USR2]))

    def test_leaving_one_does_not_disturb_the_others(self):
        with tonio.signal_receiver(USR1) as stays:
            with tonio.signal_receiver(USR1) as leaves:
                send(USR1)
                self.assertEqual((yield self.receiving(leaves, 1)), [USR1])
            send(USR1)
            self.assertEqual((yield self.receiving(stays, 2)), [USR1, USR1])

    @needs_every_signal
    def test_two_tasks_in_one_receiver_share_its_signals(self):
        with tonio.signal_receiver(REAL_TIME) as sigs:
            ready = [tonio.Event() for _ in range(4)]
            waiting = tonio.spawn(*[self.receiving(sigs, 10, event) for event in ready])
            for event in ready:
                yield event.wait()
            send(REAL_TIME, 40)
            self.assertEqual((yield waiting), [[REAL_TIME] * 10] * 4)

    def test_leaving_ends_the_iterations_of_other_tasks(self):
        ready = [tonio.Event() for _ in range(3)]
        with tonio.signal_receiver(USR1) as sigs:
            waiting = tonio.spawn(*[self.receiving(sigs, 99, event) for event in ready])
            for event in ready:
                yield event.wait()
        self.assertEqual((yield waiting), [[], [], []])

    @needs_every_signal
    def test_what_came_before_leaving_is_given_still(self):
        with tonio.signal_receiver(REAL_TIME) as sigs:
            # Entered later, so it gets each of them after the other has.
            with tonio.signal_receiver(REAL_TIME) as others:
                ready = tonio.Event()
                waiting = tonio.spawn(self.receiving(sigs, 99, ready))
                yield ready.wait()
                send(REAL_TIME, 3)
                yield self.receiving(others, 3)
        self.assertEqual((yield waiting), [REAL_TIME] * 3)

    def test_may_be_entered_again(self):
        receiver = tonio.signal_receiver(USR1)
        for _ in range(3):
            with receiver as sigs:
                self.assertIs(sigs, receiver)
                send(USR1)
                self.assertEqual((yield self.receiving(sigs, 1)), [USR1])

    def test_what_came_for_an_earlier_stay_is_not_in_the_next(self):
        receiver = tonio.signal_receiver(USR1)
        with receiver, tonio.signal_receiver(USR1) as others:
            send(USR1)
            yield self.receiving(others, 1)
        with receiver as sigs, tonio.signal_receiver(USR2) as others:
            send(USR2)
            yield self.receiving(others, 1)
            waiting = tonio.spawn(self.receiving(sigs, 99))
            yield
        self.assertEqual((yield waiting), [])

    def test_an_iteration_stays_with_its_stay(self):
        receiver = tonio.signal_receiver(USR1)
        ready = tonio.Event()
        with receiver as sigs:
            old = tonio.spawn(self.receiving(sigs, 99, ready))
            yield ready.wait()
        with receiver as sigs:
            send(USR1)
            self.assertEqual((yield self.receiving(sigs, 1)), [USR1])
        self.assertEqual((yield old), [])

    def test_entering_one_that_is_entered_is_refused(self):
        receiver = tonio.signal_receiver(USR1)
        with receiver as sigs:
            with self.assertRaisesRegex(RuntimeError, "entered already"):
                receiver.__enter__()
            # And leaves it as it was.
            send(USR1)
            self.assertEqual((yield self.receiving(sigs, 1)), [USR1])

    def test_iterating_one_that_was_never_entered_is_refused(self):
        receiver = tonio.signal_receiver(USR1)
        for iterate in (iter, aiter):
            with self.assertRaisesRegex(RuntimeError, "not entered"):
                iterate(receiver)
        yield

    def test_iterating_one_that_has_been_left_is_over_at_once(self):
        receiver = tonio.signal_receiver(USR1)
        with receiver:
            pass
        self.assertEqual((yield self.receiving(receiver, 99)), [])

    def test_signals_that_the_run_does_not_have_are_refused(self):
        for number, names in [
            (signal.SIGWINCH, (r"signals=\[signal\.SIGWINCH\]", "--signals WINCH")),
            (REAL_TIME + 1, (rf"signals=\[{REAL_TIME + 1}\]", f"--signals {REAL_TIME + 1}")),
        ]:
            for name in names:
                with self.assertRaisesRegex(ValueError, name):
                    with tonio.signal_receiver(USR1, number):
                        pass
        # Nothing of it has been entered.
        with tonio.signal_receiver(USR1) as sigs:
            send(USR1)
            self.assertEqual((yield self.receiving(sigs, 1)), [USR1])

    def test_what_for_gives_waits_when_it_is_awaited(self):
        with tonio.signal_receiver(USR1) as sigs:
            first, second = (event for event, _ in zip(sigs, range(2)))
            spawned = tonio.spawn(first)
            send(USR1)
            self.assertEqual((yield spawned), USR1)
            send(USR1)
            self.assertEqual((yield second), USR1)

    @needs_every_signal
    def test_signals_from_threads(self):
        with tonio.signal_receiver(REAL_TIME) as sigs:
            waiting = tonio.spawn(self.receiving(sigs, 100))
            threads = [threading.Thread(target=send, args=(REAL_TIME, 25)) for _ in range(4)]
            for thread in threads:
                thread.start()
            self.assertEqual((yield waiting), [REAL_TIME] * 100)
            for thread in threads:
                thread.join()

    def test_a_blocking_call_that_raises_the_signal(self):
        with tonio.signal_receiver(USR2) as sigs:
            yield tonio.spawn_blocking(send, USR2)
            self.assertEqual((yield self.receiving(sigs, 1)), [USR2])

    def test_entering_and_leaving_everywhere_at_once(self):
        @self.task
        def comes_and_goes():
            for _ in range(100):
                with tonio.signal_receiver(USR1):
                    yield

        with tonio.signal_receiver(USR1) as sigs:
            busy = tonio.spawn(*[comes_and_goes() for _ in range(8)])
            for _ in range(50):
                send(USR1)
                self.assertEqual((yield self.receiving(sigs, 1)), [USR1])
            yield busy


class OneWorker(Receivers):
    options = Receivers.options | {"threads": 1}


class Arguments(unittest.TestCase):
    def test_no_signals_at_all(self):
        with self.assertRaisesRegex(TypeError, "at least one signal"):
            tonio.signal_receiver()

    def test_bad_signals_of_a_receiver(self):
        for error, bad, says in BAD:
            with self.assertRaisesRegex(error, rf"signal_receiver\(\): .*{says}"):
                tonio.signal_receiver(bad)

    def test_bad_signals_of_a_run(self):
        def program():
            yield

        for error, bad, says in BAD:
            for start in (
                lambda: tonio.run(program(), signals=[bad]),
                lambda: tonio.runtime(signals=[bad]),
                lambda: tonio.main(signals=[bad])(program),
            ):
                with self.assertRaisesRegex(error, f"signals: .*{says}"):
                    start()

    def test_what_is_no_list_of_signals(self):
        for bad in (HUP, "HUP", b"HUP", 5.0):
            with self.assertRaisesRegex(TypeError, r"signals: a list like \[signal\.SIGHUP\]"):
                tonio.runtime(signals=bad)

    def test_any_iterable_will_do(self):
        def program():
            with tonio.signal_receiver(HUP, USR1, HUP):
                yield
            return "fine"

        for signals in ((HUP, USR1), {HUP, USR1}, iter([HUP, int(USR1), HUP])):
            self.assertEqual(tonio.run(program(), signals=signals), "fine")

    def test_outside_of_a_run(self):
        with self.assertRaisesRegex(ValueError, r"signal\.SIGHUP is not among"):
            with tonio.signal_receiver(HUP):
                pass


BAD = [
    (ValueError, 0, "there is no signal 0"),
    (ValueError, 99, "there is no signal 99"),
    (ValueError, -1, "there is no signal -1"),
    (ValueError, 10**30, "there is no signal 1000"),
    (ValueError, signal.SIGKILL, "SIGKILL can't be received"),
    (ValueError, int(signal.SIGSTOP), "SIGSTOP can't be received"),
    (ValueError, signal.SIGSEGV, "SIGSEGV tells of a fault"),
    (ValueError, signal.SIGFPE, "SIGFPE tells of a fault"),
    (TypeError, "HUP", "not 'HUP'"),
    (TypeError, None, "not None"),
    (TypeError, 1.0, r"not 1\.0"),
    (TypeError, True, "not True"),
]


class Handlers(unittest.TestCase):
    """What was there before the run, and after it."""

    def setUp(self):
        self.kept = {number: signal.getsignal(number) for number in (HUP, USR1, USR2)}

    def tearDown(self):
        for number, handler in self.kept.items():
            signal.signal(number, handler)

    def test_are_put_back(self):
        def handler(*_):
            pass

        def program(fails):
            yield
            self.assertNotEqual(signal.getsignal(USR1), handler)
            if fails:
                raise LookupError

        before = {HUP: signal.SIG_IGN, USR1: handler, USR2: signal.SIG_DFL}
        for number, what in before.items():
            signal.signal(number, what)
        for fails in (False, True):
            try:
                tonio.run(program(fails), signals=before)
            except LookupError:
                pass
            self.assertEqual({n: signal.getsignal(n) for n in before}, before)

    def test_are_put_back_when_the_run_can_not_start(self):
        with self.assertRaises(TypeError):
            tonio.run(5, signals=[USR1])
        self.assertEqual(signal.getsignal(USR1), self.kept[USR1])

    def test_a_handler_that_the_program_installs_meanwhile_stays(self):
        def newer(*_):
            pass

        def installs(*_):
            signal.signal(USR1, newer)
            done.set()

        def program():
            send(USR2)
            yield done.wait()

        done = tonio.Event()
        signal.signal(USR2, installs)
        tonio.run(program(), signals=[USR1])
        self.assertEqual(signal.getsignal(USR1), newer)

    def test_without_a_receiver_the_previous_one_is_called(self):
        calls = []
        came = tonio.Event()

        def handler(number, frame):
            calls.append((number, threading.current_thread() is threading.main_thread()))
            came.set()

        def program():
            send(USR1)
            yield came.wait()
            with tonio.signal_receiver(USR1) as sigs:
                send(USR1)
                for event in sigs:
                    yield event
                    break
            came.clear()
            send(USR1)
            yield came.wait()

        signal.signal(USR1, handler)
        tonio.run(program(), signals=[USR1])
        self.assertEqual(calls, [(USR1, True)] * 2)

    def test_a_previous_handler_may_raise_out_of_run(self):
        def handler(*_):
            raise LookupError("raised by the handler")

        def program():
            send(USR1)
            yield tonio.Event().wait()

        signal.signal(USR1, handler)
        with self.assertRaisesRegex(LookupError, "raised by the handler"):
            tonio.run(program(), signals=[USR1])
        self.assertEqual(signal.getsignal(USR1), handler)

    def test_one_that_raises_does_not_keep_others_from_their_receivers(self):
        def handler(*_):
            raise LookupError

        got = []

        def program():
            with tonio.signal_receiver(USR2) as sigs:
                os.kill(os.getpid(), USR1)
                os.kill(os.getpid(), USR2)
                try:
                    yield tonio.Event().wait()
                finally:
                    for event in sigs:
                        got.append((yield event))
                        break

        signal.signal(USR1, handler)
        with self.assertRaises(LookupError):
            tonio.run(program(), signals=[USR1, USR2])
        self.assertEqual(got, [USR2])

    def test_default_int_handler_raises_keyboard_interrupt(self):
        cleaned_up = []

        def program():
            try:
                with tonio.signal_receiver(signal.SIGINT) as sigs:
                    send(signal.SIGINT)
                    for event in sigs:
                        self.assertEqual((yield event), signal.SIGINT)
                        break
                send(signal.SIGINT)
                yield tonio.Event().wait()
            finally:
                cleaned_up.append(True)

        with self.assertRaises(KeyboardInterrupt):
            tonio.run(program(), signals=[signal.SIGINT])
        self.assertEqual(cleaned_up, [True])

    def test_what_is_ignored_by_default_stays_ignored(self):
        def program():
            with tonio.signal_receiver(USR1) as sigs:
                for number in (signal.SIGWINCH, signal.SIGCHLD, signal.SIGURG, HUP, USR1):
                    send(number)
                for event in sigs:
                    return (yield event)

        signal.signal(HUP, signal.SIG_IGN)
        signals = [HUP, USR1, signal.SIGWINCH, signal.SIGCHLD, signal.SIGURG]
        self.assertEqual(tonio.run(program(), signals=signals), USR1)


class Runs(unittest.TestCase):
    def test_in_a_runtime_each_run_has_them(self):
        runtime = tonio.runtime(signals=[USR1])

        def program():
            with tonio.signal_receiver(USR1) as sigs:
                send(USR1)
                for event in sigs:
                    return (yield event)

        for _ in range(3):
            self.assertEqual(runtime.run_until_complete(program()), USR1)
            self.assertEqual(signal.getsignal(USR1), signal.SIG_DFL)
        runtime.stop()

    def test_a_task_that_a_run_has_left_receives_in_the_next(self):
        runtime = tonio.runtime(signals=[USR1])
        got, entered, came = [], tonio.Event(), tonio.Event()

        def receives():
            with tonio.signal_receiver(USR1) as sigs:
                entered.set()
                for event in sigs:
                    got.append((yield event))
                    came.set()

        def first():
            tonio.spawn.without_tracking(receives())
            yield entered.wait()

        def second():
            send(USR1)
            yield came.wait()

        runtime.run_until_complete(first())
        runtime.run_until_complete(second())
        runtime.stop()
        self.assertEqual(got, [USR1])

    def test_on_another_thread_signals_are_refused(self):
        errors = []

        def program():
            yield

        def run():
            try:
                tonio.run(program(), signals=[USR1])
            except RuntimeError as error:
                errors.append(str(error))
            errors.append(tonio.run(program()))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertRegex(errors[0], "main thread")
        self.assertIsNone(errors[1])

    def test_both_notations_share_it(self):
        import tonio.colored

        self.assertIs(tonio.colored.signal_receiver, tonio.signal_receiver)


if __name__ == "__main__":
    main()
