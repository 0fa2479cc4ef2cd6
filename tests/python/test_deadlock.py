"""A run in which every task waits for another one ends with Deadlock; one that something could
still wake goes on."""

import subprocess
import unittest

from programs import Program
from scenarios import main

WORKERS = ("1", "2", "8")

START = """
    import os, signal, subprocess, sys, threading, time, weakref
    import tonio.colored as tonio
    from tonio.colored.net import socket
    from tonio.colored.sync import Barrier, Lock, Semaphore
    from tonio.colored.sync.channel import channel

    event = tonio.Event()

    async def forever():
        await tonio.Event().wait()
"""

READY = """
    print("ready", flush=True)
"""

RUN = """
    tonio.run(program())
"""

# Each ends with Deadlock.
DEADLOCKS = {
    "event": """
    async def program():
        await event.wait()
    """,
    "event_in_the_yield_notation": """
    def program():
        yield event.wait()
    """,
    "spawned_tasks": """
    async def program():
        await tonio.spawn(forever(), forever())
    """,
    "two_locks_in_two_orders": """
    async def takes(one, two, here, there):
        with await one():
            here.set()
            await there.wait()
            with await two():
                pass

    async def program():
        a, b = Lock(), Lock()
        has_a, has_b = tonio.Event(), tonio.Event()
        async with tonio.scope() as s:
            s.spawn(takes(a, b, has_a, has_b))
            s.spawn(takes(b, a, has_b, has_a))
    """,
    "two_locks_in_two_orders_in_the_yield_notation": """
    def takes(one, two, here, there):
        with (yield one()):
            here.set()
            yield there.wait()
            with (yield two()):
                pass

    def program():
        a, b = Lock(), Lock()
        has_a, has_b = tonio.Event(), tonio.Event()
        with tonio.scope() as s:
            s.spawn(takes(a, b, has_a, has_b))
            s.spawn(takes(b, a, has_b, has_a))
        yield s()
    """,
    "a_channel_without_messages": """
    async def program():
        sender, receiver = channel(1)
        await receiver.receive()
    """,
    "a_full_channel": """
    async def program():
        sender, receiver = channel(1)
        await sender.send(1)
        await sender.send(2)
    """,
    "a_barrier": """
    async def program():
        await Barrier(2).wait()
    """,
    "a_semaphore": """
    async def program():
        semaphore = Semaphore(1)
        with await semaphore():
            await semaphore()
    """,
    "a_coroutine_that_two_want": """
    async def wants(coroutine):
        await coroutine

    async def program():
        waits = forever()
        await tonio.spawn(wants(waits), wants(waits))
    """,
    "a_task_left_in_a_scope": """
    async def program():
        async with tonio.scope() as s:
            s.spawn(forever())
            s.spawn(tonio.sleep(0.01))
    """,
    "after_a_sleep": """
    async def program():
        await tonio.sleep(0.3)
        await event.wait()
    """,
    "after_a_blocking_call": """
    async def program():
        await tonio.spawn_blocking(time.sleep, 0.3)
        await event.wait()
    """,
    "after_a_blocking_call_that_nobody_awaits": """
    async def program():
        call = tonio.spawn_blocking(time.sleep, 0.3)
        await event.wait()
    """,
    "after_a_socket": """
    async def program():
        first, second = socket.socketpair()
        with first, second:
            reading = tonio.spawn(second.recv(1))
            await tonio.sleep(0.3)
            await first.send(b"x")
            await reading
            await event.wait()
    """,
    "after_a_timeout": """
    async def program():
        await event.wait(0.3)
        await event.wait()
    """,
    "after_a_thread": """
    async def program():
        threading.Thread(target=time.sleep, args=(0.3,)).start()
        await event.wait()
    """,
    "after_a_thread_s_event": """
    async def program():
        first = tonio.Event()
        threading.Timer(0.3, first.set).start()
        await first.wait()
        await event.wait()
    """,
    "a_handler_that_takes_itself_back": """
    def handler(*_):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    async def program():
        await event.wait()

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    """,
}

# Each is woken after the first looks have been made, and prints "woken".
GO_ON = {
    "sleep": """
    async def program():
        await tonio.sleep(0.6)
    """,
    "a_sleep_beside_waiting_tasks": """
    async def program():
        tonio.spawn.without_tracking(forever())
        await tonio.spawn(tonio.sleep(0.6))
    """,
    "timeout": """
    async def program():
        await event.wait(0.6)
    """,
    "timeout_of_a_scope": """
    async def program():
        await tonio.time.timeout(forever(), 0.6)
    """,
    "accept": """
    CONNECTS = "import socket, sys, time; time.sleep(0.6); socket.create_connection(('127.0.0.1', int(sys.argv[1])))"

    async def program():
        server = socket.socket()
        with server:
            await server.bind(("127.0.0.1", 0))
            server.listen()
            port = server.getsockname()[1]
            with subprocess.Popen([sys.executable, "-c", CONNECTS, str(port)]):
                connection, _ = await server.accept()
                connection.close()
    """,
    "thread": """
    async def program():
        threading.Timer(0.6, event.set).start()
        await event.wait()
    """,
    "a_daemon_thread": """
    def sets():
        time.sleep(0.6)
        event.set()

    async def program():
        threading.Thread(target=sets, daemon=True).start()
        await event.wait()
    """,
    "block_on_by_a_thread": """
    async def sets():
        await tonio.sleep(0.6)
        event.set()

    async def program():
        threading.Thread(target=tonio.block_on, args=(sets(),)).start()
        await event.wait()
    """,
    "a_loop_of_asyncio": """
    def runs_a_loop():
        import asyncio

        async def sets():
            await asyncio.sleep(0.6)
            event.set()

        asyncio.run(sets())

    async def program():
        threading.Thread(target=runs_a_loop).start()
        await event.wait()
    """,
    "blocking_call": """
    def sets():
        time.sleep(0.6)
        event.set()

    async def program():
        tonio.spawn.without_tracking(calls())
        await event.wait()

    async def calls():
        await tonio.spawn_blocking(sets)
    """,
    "a_blocking_call_that_nobody_awaits": """
    def sets():
        time.sleep(0.6)
        event.set()

    async def program():
        call = tonio.spawn_blocking(sets)
        await event.wait()
    """,
    "a_queued_blocking_call": """
    async def program():
        first = tonio.spawn_blocking(time.sleep, 0.6)
        second = tonio.spawn_blocking(event.set)
        await event.wait()

    RUN_OPTIONS = {"blocking_threadpool_size": 1}
    """,
    "a_busy_worker": """
    async def program():
        async def computes():
            until = time.monotonic() + 0.6
            while time.monotonic() < until:
                pass
            event.set()

        tonio.spawn.without_tracking(computes())
        await event.wait()
    """,
    "a_worker_that_blocks": """
    async def program():
        async def blocks():
            time.sleep(0.6)
            event.set()

        tonio.spawn.without_tracking(blocks())
        await event.wait()
    """,
    "a_signal_handler": """
    def handler(*_):
        event.set()

    async def program():
        await event.wait()

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.6)
    """,
    "a_signal_receiver": """
    async def program():
        with tonio.signal_receiver(signal.SIGALRM) as sigs:
            signals_at(0.6)
            async for _ in sigs:
                break

    def signals_at(seconds):
        signal.setitimer(signal.ITIMER_REAL, seconds)

    RUN_OPTIONS = {"signals": [signal.SIGALRM]}
    """,
    "a_finalizer_of_garbage": """
    class Garbage:
        pass

    async def program():
        first = Garbage()
        first.itself = first
        weakref.finalize(first, event.set)
        del first
        await event.wait()
    """,
    "many_switches": """
    # Now one of them can go on, now the other.
    async def plays(mine, other, until):
        while time.monotonic() < until:
            await mine.wait()
            mine.clear()
            other.set()

    async def program():
        ping, pong, until = tonio.Event(), tonio.Event(), time.monotonic() + 0.8
        ping.set()
        await tonio.spawn(plays(ping, pong, until), plays(pong, ping, until))
    """,
}

GO_ON_RUN = """
    tonio.run(program(), **globals().get("RUN_OPTIONS", {}))
    print("woken")
"""


def run_program(text, workers):
    with Program(text, "--threads", workers) as program:
        return program.end(30)


class Deadlocks(unittest.TestCase):
    def check(self, text, name="program"):
        for workers in WORKERS:
            with self.subTest(workers=workers):
                done = run_program(START + text + RUN, workers)
                self.assertEqual((done.code, done.out), (1, ""), done.err)
                self.assertRegex(done.err, r"tonio.exceptions.Deadlock: every task waits for ")
                self.assertRegex(done.err, r"; \d+ tasks?\n  task program: suspended on tonio.*\n")


class GoOn(unittest.TestCase):
    def check(self, text):
        for workers in WORKERS:
            with self.subTest(workers=workers):
                done = run_program(START + text + GO_ON_RUN, workers)
                self.assertEqual((done.code, done.out, done.err), (0, "woken\n", ""))


def add(case, suffix, texts):
    for name, text in texts.items():
        setattr(case, f"test_{name}_{suffix}", lambda self, text=text: self.check(text))


add(Deadlocks, "is_one", DEADLOCKS)
add(GoOn, "is_none", GO_ON)


class Ends(unittest.TestCase):
    """How the run ends."""

    def check(self, text, out):
        for workers in WORKERS:
            with self.subTest(workers=workers):
                done = run_program(START + text, workers)
                self.assertEqual((done.code, done.out, done.err), (0, out, ""))

    def test_every_task_cleans_up_before_run_raises(self):
        self.check("""
    async def waits(name):
        try:
            await tonio.Event().wait()
        finally:
            # Suspends undisturbed, and is no deadlock again.
            await tonio.sleep(0.3)
            await tonio.spawn_blocking(time.sleep, 0.01)
            ended.append(name)

    async def program():
        tonio.spawn.without_tracking(waits("other"))
        await waits("main")

    ended = []
    try:
        tonio.run(program())
    except tonio.exceptions.Deadlock as deadlock:
        print(sorted(ended))
        print(isinstance(deadlock, RuntimeError))
        """, "['main', 'other']\nTrue\n")

    def test_the_message_has_the_tree(self):
        self.check("""
    async def child():
        await tonio.Event().wait()

    async def program():
        async with tonio.scope() as s:
            for _ in range(2):
                s.spawn(child())

    try:
        tonio.run(program())
    except tonio.exceptions.Deadlock as deadlock:
        title, *lines = str(deadlock).splitlines()
        print(title.rpartition("; ")[2])
        for line in lines:
            if line.lstrip().startswith(("task", "and")):
                print(line.partition(",")[0])
        """, "3 tasks\n"
             "  task program: suspended on tonio.ScopeWait\n"
             "    task child: suspended on tonio.EventWait\n"
             "      and 1 more like it\n")

    def test_the_next_run_is_as_the_first(self):
        self.check("""
    async def goes_on():
        await tonio.sleep(0.01)
        return "fine"

    for _ in range(3):
        try:
            tonio.run(forever())
        except tonio.exceptions.Deadlock:
            print("deadlock", tonio.tasks())
        print(tonio.run(goes_on()))
        """, "deadlock []\nfine\n" * 3)

    def test_a_main_that_swallows_the_cancellation_does_not_hide_it(self):
        self.check("""
    async def program():
        try:
            await event.wait()
        except tonio.exceptions.CancelledError:
            return "result"

    try:
        print(tonio.run(program()))
    except tonio.exceptions.Deadlock:
        print("deadlock")
        """, "deadlock\n")

    def test_what_main_fails_with_while_it_ends_is_the_context(self):
        self.check("""
    async def program():
        try:
            await event.wait()
        finally:
            raise ValueError("in finally")

    try:
        tonio.run(program())
    except tonio.exceptions.Deadlock as deadlock:
        print(repr(deadlock.__context__))
        """, "ValueError('in finally')\n")

    def test_a_run_of_a_runtime(self):
        self.check("""
    runtime = tonio.runtime()
    runtime.run_until_complete(tonio.sleep(0.01))
    for run in (runtime.run_until_complete, tonio.block_on):
        try:
            run(forever())
        except tonio.exceptions.Deadlock:
            print("deadlock")
        """, "deadlock\n" * 2)


class NeverOne(unittest.TestCase):
    """What somebody outside is expected to end."""

    def check(self, text):
        with Program(START + READY + text) as program:
            self.assertEqual(program.line(), "ready")
            # Much longer than it takes to find a deadlock.
            with self.assertRaises(subprocess.TimeoutExpired):
                program.process.wait(1)
            program.signal()
            self.assertEqual(program.end(30).code, 130)

    def test_run_forever(self):
        self.check("    tonio.runtime().run_forever()\n")

    def test_a_run_with_signals(self):
        self.check("    tonio.run(forever(), signals=[signal.SIGHUP])\n")

    def test_a_run_on_another_thread(self):
        self.check("""
    thread = threading.Thread(target=tonio.run, args=(forever(),), daemon=True)
    thread.start()
    thread.join()
        """)


if __name__ == "__main__":
    main()
