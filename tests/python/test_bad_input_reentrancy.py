"""Code of the program that comes to run in the middle of tonio's own: finalizers, signal
handlers, callbacks of the garbage collector and of weak references, __await__."""

import gc
import os
import signal
import sys
import threading
import time
import unittest
import weakref

import tonio
from scale import scaled
from scenarios import Scenarios, main
from tonio import sync
from tonio.net import socket
from tonio.sync import channel

LONG = 1000


async def sleeps():
    await tonio.sleep(0)


class Dying:
    """Calls a function when it is let go of."""

    def __init__(self, act):
        self.act = act

    def __del__(self):
        self.act()


class Finalizers(Scenarios):
    options = {"threads": 2}

    def setUp(self):
        self.done = tonio.Event()

    def acts(self):
        """Functions that use tonio in all ways that do not suspend; each sets self.done."""

        def spawns():
            def sets():
                self.done.set()
                yield

            tonio.spawn.without_tracking(sets())

        def spawns_and_drops():
            tonio.spawn(sleeps(), sleeps())
            self.done.set()

        def closes_sockets():
            first, second = socket.socketpair()
            first.close()
            second.close()
            self.done.set()

        def cancels():
            try:
                with tonio.scope() as scope:
                    scope.spawn(sleeps())
                    scope.cancel()
            except RuntimeError:
                pass  # on a thread that runs no task at the moment
            self.done.set()

        def sends():
            sender, receiver = channel.unbounded()
            sender.send(Dying(self.done.set))
            sender.close()

        def locks():
            lock = sync.Lock()
            self.assertTrue(lock.try_acquire())
            lock.release()
            self.done.set()

        def refused():
            # Neither may block the worker.
            refusals = 0
            for call in tonio.run, tonio.block_on:
                coroutine = sleeps()
                try:
                    call(coroutine)
                except RuntimeError:
                    refusals += 1
                coroutine.close()
            if refusals == 2:
                self.done.set()

        def collects():
            gc.collect()
            self.done.set()

        return (
            self.done.set, spawns, spawns_and_drops, closes_sockets, cancels, sends, locks,
            refused, collects,
        )  # fmt: skip

    def everywhere(self, drop):
        """drop(object) is a generator function that lets go of the object somewhere."""
        for act in self.acts():
            with self.subTest(act.__name__):
                self.done.clear()
                yield drop(Dying(act))
                # What awaits for the test (scenarios.py) keeps the exception that went through.
                gc.collect()
                yield self.done.wait(LONG)
                self.assertTrue(self.done.is_set())

    def test_a_message_nobody_receives(self):
        def drop(thing):
            sender, receiver = channel.channel(2)
            operation = sender.send(thing)
            del thing
            yield operation
            del operation
            sender.close()
            del sender, receiver

        yield self.everywhere(drop)

    def test_a_message_whose_sender_is_cancelled(self):
        def drop(thing):
            sender, receiver = channel.channel(1)
            yield sender.send(0)
            operation = sender.send(thing)
            del thing
            yield tonio.time.timeout(operation, 0.001)
            del operation

        yield self.everywhere(drop)

    def test_a_result_nobody_wants(self):
        def drop(thing):
            def gives(thing):
                yield
                return thing

            handle = tonio.spawn(gives(thing))
            del thing
            yield tonio.sleep(0)
            del handle
            yield tonio.sleep(0)

        yield self.everywhere(drop)

    def test_a_result_of_a_blocking_call(self):
        def drop(thing):
            call = tonio.spawn_blocking(lambda thing: thing, thing)
            del thing
            yield call

        yield self.everywhere(drop)

    def test_a_local_of_a_task_that_is_cancelled(self):
        def drop(thing):
            @self.task
            def holds(thing):
                yield tonio.Event().wait()

            coroutine = holds(thing)
            del thing
            yield tonio.time.timeout(coroutine, 0.001)
            del coroutine

        yield self.everywhere(drop)

    def test_a_buffer_that_is_sent(self):
        def drop(thing):
            class Buffer(bytes):
                pass

            data = Buffer(b"x")
            data.thing = thing
            del thing
            first, second = socket.socketpair()
            operation = first.sendall(data)
            del data
            yield operation
            del operation
            first.close()
            second.close()

        yield self.everywhere(drop)

    def test_what_belongs_to_a_failure_nobody_saw(self):
        def drop(thing):
            def fails(thing):
                yield
                error = LookupError("mine")
                error.thing = thing
                raise error

            with self.assertRaises(ExceptionGroup):
                handle = tonio.spawn(fails(thing))
                del thing
                yield handle
            del handle

        yield self.everywhere(drop)

    def test_a_socket_that_its_own_finalizer_uses(self):
        done = self.done

        class Socket(socket.socket):
            def __del__(self):
                self.fileno()
                self.close()
                done.set()

        for _ in range(20):
            done.clear()
            Socket()
            yield done.wait(LONG)

    def test_one_that_raises(self):
        """It is told, and the task goes on."""
        told = []
        def raises():
            self.done.set()
            raise LookupError("of a finalizer")

        previous = sys.unraisablehook
        sys.unraisablehook = lambda args: told.append(args.exc_value)
        try:
            sender, receiver = channel.unbounded()
            sender.send(Dying(raises))
            del sender, receiver
            yield self.done.wait(LONG)
        finally:
            sys.unraisablehook = previous
        self.assertEqual([str(error) for error in told], ["of a finalizer"])


class Callbacks(Scenarios):
    options = {"threads": 2}

    def test_of_the_garbage_collector(self):
        event = tonio.Event()
        phases = []

        def callback(phase, info):
            phases.append(phase)
            if phase == "stop":
                tonio.spawn.without_tracking(sleeps())
                event.set()

        gc.callbacks.append(callback)
        try:
            for _ in range(scaled(20)):
                event.clear()
                gc.collect()
                yield event.wait(LONG)
        finally:
            gc.callbacks.remove(callback)
        self.assertIn("start", phases)

    def test_of_a_weak_reference(self):
        event = tonio.Event()

        class Object:
            pass

        thing = Object()
        reference = weakref.ref(thing, lambda _: (tonio.spawn(sleeps()), event.set()))
        del thing
        yield event.wait(LONG)
        self.assertIsNone(reference())

    def test_await_that_comes_back_to_tonio(self):
        class Awaitable:
            def __await__(self):
                tonio.spawn.without_tracking(sleeps())
                gc.collect(0)
                yield from tonio.sleep(0).__await__()
                return (yield from tonio.spawn(sleeps()).__await__())

        class Spawns:
            def __await__(self):
                return tonio.spawn(Awaitable(), Awaitable()).__await__()

        for _ in range(20):
            self.assertIsNone((yield Awaitable()))
            self.assertEqual((yield Spawns()), [None, None])

    def test_await_that_gives_nonsense(self):
        class Awaitable:
            def __init__(self, result):
                self.result = result

            def __await__(self):
                return self.result

        for result in (None, 5, [], self, object):
            with self.assertRaises(TypeError, msg=result):
                yield Awaitable(result)


class SignalHandlers(unittest.TestCase):
    """Handlers of Python's run on the main thread, which waits in run() or works."""

    def run_with_handler(self, handler, program):
        previous = signal.signal(signal.SIGUSR1, handler)
        try:
            return tonio.run(program(), threads=2)
        finally:
            signal.signal(signal.SIGUSR1, previous)

    def test_that_sets_an_event(self):
        event = tonio.Event()
        handled = []

        def handler(*_):
            handled.append(threading.current_thread())
            event.set()

        async def program():
            for count in range(scaled(200)):
                event.clear()
                os.kill(os.getpid(), signal.SIGUSR1)
                await event.wait(LONG)
                self.assertTrue(event.is_set())

        self.run_with_handler(handler, program)
        self.assertEqual(set(handled), {threading.main_thread()})

    def test_that_spawns_sends_and_closes(self):
        sender, receiver = channel.unbounded()

        async def sends(number):
            await tonio.sleep(0)
            sender.send(number)

        def handler(*_):
            first, second = socket.socketpair()
            first.close()
            second.close()
            tonio.spawn.without_tracking(sends(1))
            tonio.block_on(sends(2))

        async def program():
            for _ in range(scaled(50)):
                os.kill(os.getpid(), signal.SIGUSR1)
                self.assertEqual(await receiver.receive() + await receiver.receive(), 3)

        self.run_with_handler(handler, program)

    def test_that_raises(self):
        """It comes out of run(), and the tasks have ended before."""
        cleaned = []

        def handler(*_):
            raise LookupError("of a handler")

        async def program():
            try:
                os.kill(os.getpid(), signal.SIGUSR1)
                await tonio.sleep(LONG)
            finally:
                await tonio.sleep(0)
                cleaned.append(True)

        begun = time.monotonic()
        with self.assertRaisesRegex(LookupError, "of a handler"):
            self.run_with_handler(handler, program)
        self.assertEqual(cleaned, [True])
        self.assertLess(time.monotonic() - begun, LONG / 10)

    def test_that_runs(self):
        """A run within a run is refused: the main thread waits for one."""

        refusals = []
        event = tonio.Event()

        def handler(*_):
            coroutine = sleeps()
            try:
                tonio.run(coroutine)
            except RuntimeError as error:
                refusals.append(str(error))
            coroutine.close()
            event.set()

        async def program():
            os.kill(os.getpid(), signal.SIGUSR1)
            await event.wait(LONG)

        self.run_with_handler(handler, program)
        self.assertEqual(len(refusals), 1)


if __name__ == "__main__":
    main()
