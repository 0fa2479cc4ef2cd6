"""Coroutines that can't be run any more, or not now, and operations that are waited for twice
or by two tasks: a result or an error that says what it was, and nothing hangs."""

import threading

import tonio
from scenarios import Scenarios, main
from tonio import fs, sync
from tonio.net import socket
from tonio.sync import channel
from tonio.time import interval, timeout

LONG = 1000


async def coroutine():
    await tonio.sleep(0)
    return "done"


def generator():
    yield
    return "done"


async def items():
    yield 1


class Coroutines(Scenarios):
    options = {"threads": 2}

    def outcome(self, waited):
        """What waiting for it gives: ("result", value) or (type of the error, its text)."""
        try:
            result, ended = yield timeout(waited, LONG)
        except BaseException as error:
            if isinstance(error, BaseExceptionGroup):
                (error,) = error.exceptions
            return type(error), str(error)
        self.assertTrue(ended)
        return "result", result

    def test_finished(self):
        for make in coroutine, generator:
            ended = make()
            yield tonio.spawn(ended)
            for again in (ended, tonio.spawn(ended)):
                kind, text = yield self.outcome(again)
                self.assertIs(kind, RuntimeError)
                self.assertIn("run already", text)

    def test_closed(self):
        # Python has nothing more to say of a generator that was closed than of one that
        # is at its end.
        expected = {
            coroutine: (RuntimeError, "cannot reuse already awaited coroutine"),
            generator: ("result", None),
        }
        for make, outcome in expected.items():
            closed = make()
            closed.close()
            self.assertEqual((yield self.outcome(closed)), outcome)
            self.assertEqual((yield self.outcome(tonio.spawn(closed))), outcome)

    def test_running_on_another_thread(self):
        entered, go_on = threading.Event(), threading.Event()

        def running():
            entered.set()
            go_on.wait(LONG)
            yield
            return "done"

        shared = running()
        thread = threading.Thread(target=next, args=(shared,))
        thread.start()
        entered.wait(LONG)
        kind, text = yield self.outcome(tonio.spawn(shared))
        go_on.set()
        thread.join()
        self.assertIs(kind, ValueError)
        self.assertIn("already executing", text)

    def test_the_one_that_runs(self):
        holder = []

        def itself():
            kind, text = yield self.outcome(holder[0])
            self.assertIs(kind, RuntimeError)
            self.assertIn("waits for itself", text)
            holder.clear()

        holder.append(itself())
        yield tonio.spawn(holder[0])

    def test_two_that_wait_for_each_other(self):
        holder = []

        def one():
            return (yield holder[1])

        def other():
            return (yield holder[0])

        holder += [one(), other()]
        kind, text = yield self.outcome(holder[0])
        self.assertIs(kind, RuntimeError)
        holder.clear()

    def test_a_child_that_waits_for_its_own_scope(self):
        left = tonio.Event()

        def child(scope):
            # Until the scope was left, that is what it is told.
            with self.assertRaisesRegex(RuntimeError, "after its `with` block"):
                yield scope()
            left.set()
            while True:
                try:
                    yield scope()
                except RuntimeError as error:
                    if "which ends after its tasks" in str(error):
                        raise
                yield tonio.sleep(0)

        def body(scope):
            scope.spawn(self.task(child)(scope))
            yield left.wait()

        with self.assertRaises(ExceptionGroup) as raised:
            yield self.scoped(body)
        self.assertIn("which ends after its tasks", str(raised.exception.exceptions))

    def test_what_is_no_coroutine(self):
        for wrong in (None, 5, "text", object(), coroutine, generator, items(), [], int, iter([])):
            for use in (
                tonio.spawn,
                tonio.spawn.without_results,
                tonio.spawn.without_tracking,
                lambda wrong: timeout(wrong, 1),
                lambda wrong: tonio.select(wrong),
            ):
                with self.assertRaises(TypeError, msg=f"{wrong!r} {use}"):
                    made = use(wrong)
                    if made is not None:
                        yield made

    def test_operations_twice_and_by_two_tasks(self):
        first, second = socket.socketpair()
        sender, _ = channel.channel(4)
        filled, receiver = channel.channel(4)
        event, semaphore = tonio.Event(), sync.Semaphore(2)
        event.set()
        file = yield fs.open("/dev/zero", "rb")

        def receives():
            second._send_now(b"12")
            return first.recv(1)

        makes = {
            "sleep": lambda: tonio.sleep(0.001),
            "event": event.wait,
            "spawn": lambda: tonio.spawn(coroutine()),
            "spawn_blocking": lambda: tonio.spawn_blocking(int),
            "map_blocking": lambda: tonio.map_blocking(int, "12"),
            "send": lambda: sender.send(1),
            "receive": receiver.receive,
            "recv": receives,
            "sendall": lambda: first.sendall(b"x"),
            "semaphore": semaphore.acquire,
            "getaddrinfo": lambda: socket.getaddrinfo("127.0.0.1", 1),
            "read": lambda: file.read(1),
            "tick": lambda: interval(0.001).tick(),
            "select": lambda: tonio.select(coroutine()),
            "process": lambda: tonio.run_process(["true"]),
            "suspending": lambda: first.sendfile(open("/dev/null", "rb")),  # noqa: SIM115
        }
        for name, make in makes.items():
            with self.subTest(name):
                for round in "one after the other", "at once":
                    if name == "receive":
                        yield filled.send(1)
                        yield filled.send(2)
                    operation = make()
                    if round == "at once":
                        first_of, second_of = yield tonio.spawn(
                            self.task(self.outcome)(operation), self.task(self.outcome)(operation)
                        )
                    else:
                        first_of = yield self.outcome(operation)
                        second_of = yield self.outcome(operation)
                    outcomes = first_of[0], second_of[0]
                    self.assertIn("result", outcomes, (name, round, first_of, second_of))
                    for kind, text in (first_of, second_of):
                        if kind != "result":
                            self.assertIs(kind, RuntimeError, (name, round, text))
                            self.assertRegex(text, "awaited|already|once|twice", (name, round))
                    if name == "semaphore":
                        for _ in range(outcomes.count("result")):
                            semaphore.release()
        first.close()
        second.close()
        yield file.close()


if __name__ == "__main__":
    main()
