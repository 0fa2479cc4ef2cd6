"""A run that something could still wake goes on, and is looked at no more often than needed."""

import contextlib
import pathlib
import subprocess
import time
import unittest

from deadlocks import START, add_tests, run_programs
from programs import Program
from sanitizers import THREAD_SANITIZER
from scenarios import main

READY = """
    print("ready", flush=True)
"""

# Each is woken after the first looks have been made, and prints "woken".
WAKES = {
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
    async def plays(mine, other):
        for _ in range(100_000):  # longer than it takes to look for a deadlock
            await mine.wait()
            mine.clear()
            other.set()

    async def program():
        ping, pong = tonio.Event(), tonio.Event()
        ping.set()
        await tonio.spawn(plays(ping, pong), plays(pong, ping))
    """,
}

RUN = """
    tonio.run(program(), **globals().get("RUN_OPTIONS", {}))
    print("woken")
"""


class GoOn(unittest.TestCase):
    def check(self, text):
        for workers, done in run_programs(text + RUN):
            with self.subTest(workers=workers):
                self.assertEqual((done.code, done.out, done.err), (0, "woken\n", ""))


add_tests(GoOn, WAKES)


class NeverOne(unittest.TestCase):
    """What somebody outside is expected to end."""

    def check(self, text):
        with Program(START + READY + text) as program:
            self.assertEqual(program.line(), "ready")
            # Much longer than it takes to find a deadlock.
            with self.assertRaises(subprocess.TimeoutExpired):
                program.process.wait(1)
            program.signal()
            self.assertEqual(program.end().code, 130)

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


CONNECTION = """
    async def program():
        with socket.socket() as server:
            await server.bind(("127.0.0.1", 0))
            server.listen()
            print("ready", flush=True)
            await server.accept()
"""

BLOCKING_CALL_AND_TIMER = """
    async def program():
        print("ready", flush=True)
        await tonio.spawn(blocks(), forever(), tonio.sleep(3600))

    async def blocks():
        await tonio.spawn_blocking(signal.pause)
"""


class Idle(unittest.TestCase):
    # Longer than the longest pause between two looks.
    WINDOW = 6

    @unittest.skipIf(THREAD_SANITIZER, "ThreadSanitizer has a thread that wakes")
    def test_no_thread_wakes_while_the_program_waits_for_something_outside(self):
        with contextlib.ExitStack() as stack:
            programs = [
                stack.enter_context(Program(START + text + "\n    tonio.run(program())\n"))
                for text in (CONNECTION, BLOCKING_CALL_AND_TIMER)
            ]
            for program in programs:
                self.assertEqual(program.line(), "ready")
            # The first looks, and on a busy machine the start of the threads, may come later.
            for _ in range(4):
                before = [wakes(program) for program in programs]
                time.sleep(self.WINDOW)
                after = [wakes(program) for program in programs]
                if before == after:
                    return
            self.fail(f"threads went on waking up: {before}, {after}")


def wakes(program):
    """How often each thread of the program has gone to sleep so far."""
    counts = {}
    for status in pathlib.Path(f"/proc/{program.process.pid}/task").glob("*/status"):
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        counts[fields["Name"].strip(), status.parent.name] = int(fields["voluntary_ctxt_switches"])
    return counts


if __name__ == "__main__":
    main()
