"""tonio.tasks(): names, states, stacks, what tasks wait on, whose children they are."""

import linecache
import threading
import time
import unittest

import tonio
from scenarios import Scenarios, main
from tonio.sync import Lock
from tonio.sync.channel import channel


def named(name):
    """The one task of that name."""
    found = [task for task in tonio.tasks() if task.name.endswith(name)]
    assert len(found) == 1, (name, tonio.tasks())
    return found[0]


def functions(task):
    return [function.rpartition(".")[2] for _, _, function in task.stack]


class Tasks(Scenarios):
    def test_what_a_task_waits_on(self):
        @self.task
        def sleeper():
            yield tonio.sleep(60)

        @self.task
        def listener():
            yield tonio.Event().wait()

        @self.task
        def reader():
            yield channel(1)[1].receive()

        @self.task
        def locker():
            yield lock()

        lock = Lock()
        guard = yield lock()
        with guard, tonio.scope() as s:
            for each in (sleeper, listener, reader, locker):
                s.spawn(each())
            yield tonio.sleep(0.05)
            waits = [named(f.__qualname__).waits_on for f in (sleeper, listener, reader, locker)]
            states = {named(f.__qualname__).state for f in (sleeper, listener, reader, locker)}
            s.cancel()
        yield s()
        self.assertEqual(waits, [
            "tonio.Sleep", "tonio.EventWait", "tonio.sync.channel.Receive", "tonio.sync.Acquire",
        ])
        self.assertEqual(states, {"suspended"})

    def test_the_task_itself_runs(self):
        @self.task
        def looks():
            return named("looks")
            yield

        task = yield tonio.spawn(looks())
        self.assertEqual((task.state, task.waits_on), ("running", None))
        self.assertIn("looks", functions(task))
        self.assertIn("test_tasks.py", task.spawned_at)
        main = tonio.tasks()[0]
        self.assertEqual(main.state, "running")
        # The call of tonio.run(), which these tests leave to scenarios.py.
        self.assertRegex(main.spawned_at, r"/scenarios\.py:\d+ in .*test$")

    def test_scopes_make_a_tree(self):
        @self.task
        def leaf():
            yield tonio.Event().wait()

        @self.task
        def branch():
            with tonio.scope() as s:
                s.spawn(leaf())
                s.spawn(leaf())
            yield s()  # waits for them after the scope was left

        with tonio.scope() as s:
            s.spawn(branch())
            yield tonio.sleep(0.05)
            here, mid = tonio.tasks()[0], named("branch")
            s.cancel()
        yield s()
        self.assertIsNone(here.parent)
        # Of another look than mid.
        self.assertEqual([child.name for child in here.children], [mid.name])
        self.assertEqual([child.name.rpartition(".")[2] for child in mid.children], ["leaf"] * 2)
        self.assertTrue(all(child.parent is mid for child in mid.children))
        self.assertEqual(mid.waits_on, "tonio.ScopeWait")

    def test_a_child_of_a_task_that_has_ended_but_for_it(self):
        @self.task
        def leaf():
            yield event.wait()

        @self.task
        def host():
            with tonio.scope() as s:
                s.spawn(leaf())
            if False:
                yield

        event = tonio.Event()
        handle = tonio.spawn(host())
        yield tonio.sleep(0.05)
        task = named("leaf")
        event.set()
        yield handle
        self.assertEqual(task.parent.waits_on, "tonio.scope")

    def test_many_while_others_run(self):
        @self.task
        def busy(n):
            begun.append(n)
            while not stop.is_set():
                yield tonio.sleep(0)
                yield tonio.Event().wait(0)
                yield nested(n)

        @self.task
        def nested(n):
            yield None
            return [object() for _ in range(n)]

        begun, stop = [], tonio.Event()
        handle = tonio.spawn(*(busy(n) for n in range(50)))
        while len(begun) < 50:
            yield None
        for _ in range(100):
            tasks = tonio.tasks()
            self.assertEqual(len(tasks), 51)
            for task in tasks:
                self.assertIn(task.state, ("running", "ready", "suspended"))
                self.assertTrue(functions(task))
            yield None
        stop.set()
        yield handle
        self.assertLessEqual(len(tonio.tasks()), 2)


class Stacks(unittest.TestCase):
    def check(self, coroutine, wanted):
        async def program():
            handle = tonio.spawn(coroutine)
            await tonio.sleep(0.05)
            task = [task for task in tonio.tasks() if task.stack[0][2].endswith(wanted[0])][0]
            event.set()
            await handle
            return task

        task = tonio.run(program())
        self.assertEqual(functions(task), wanted)
        for file, line, _ in task.stack:
            self.assertEqual(file, __file__)
            self.assertIn("WAITS", linecache.getline(file, line))

    def setUp(self):
        global event
        event = tonio.Event()

    def test_await(self):
        async def inner():
            await event.wait()  # WAITS

        async def outer():
            await inner()  # WAITS

        self.check(outer(), ["outer", "inner"])

    def test_yield(self):
        def inner():
            yield event.wait()  # WAITS

        def outer():
            yield inner()  # WAITS

        self.check(outer(), ["outer", "inner"])

    def test_yield_from(self):
        def inner():
            yield event.wait()  # WAITS

        def outer():
            yield from inner()  # WAITS

        self.check(outer(), ["outer", "inner"])

    def test_mixed_with_an_asynchronous_generator(self):
        async def inner():
            await event.wait()  # WAITS
            yield 1

        async def middle():
            async for _ in inner():  # WAITS
                pass

        def outer():
            yield middle()  # WAITS

        self.check(outer(), ["outer", "middle", "inner"])

    def test_a_coroutine_that_has_not_begun(self):
        async def later():
            pass

        async def program():
            handle = tonio.spawn(later())
            for task in tonio.tasks():
                if task.name.endswith("later") and task.state == "ready":
                    found.append(task)
            await handle

        found = []
        # One worker: it can't have begun.
        tonio.run(program(), threads=1)
        self.assertEqual([functions(task) for task in found], [["later"]])


class FromOutside(unittest.TestCase):
    def test_a_thread_sees_a_task_that_runs(self):
        def spin():
            started.set()
            while not done:
                pass

        async def busy():
            spin()

        async def program():
            handle = tonio.spawn(busy())
            thread = threading.Thread(target=look)
            thread.start()
            await handle
            await tonio.spawn_blocking(thread.join)

        def look():
            nonlocal done
            started.wait()
            found.append(named("busy"))
            done = True

        found, done, started = [], False, threading.Event()
        tonio.run(program())
        self.assertEqual(found[0].state, "running")
        self.assertEqual(functions(found[0]), ["busy", "spin"])

    def test_a_task_that_blocks_its_worker(self):
        async def blocks():
            time.sleep(0.5)

        async def program():
            handle = tonio.spawn(blocks())
            await tonio.spawn_blocking(time.sleep, 0.1)
            task = named("blocks")
            await handle
            return task

        task = tonio.run(program(), threads=2)
        self.assertEqual((task.state, functions(task)), ("running", ["blocks"]))

    def test_block_on_in_a_thread(self):
        async def waits():
            await event.wait()

        async def program():
            thread = threading.Thread(target=lambda: tonio.block_on(waits()))
            thread.start()
            await tonio.sleep(0.1)
            task = named("waits")
            event.set()
            await tonio.spawn_blocking(thread.join)
            return task

        event = tonio.Event()
        task = tonio.run(program())
        self.assertEqual((task.state, task.waits_on), ("suspended", "tonio.EventWait"))

    def test_without_a_run(self):
        self.assertEqual(tonio.tasks(), [])

    def test_its_repr(self):
        async def program():
            return repr(tonio.tasks())

        text = tonio.run(program())
        self.assertIn("program: running>", text)


if __name__ == "__main__":
    main()
