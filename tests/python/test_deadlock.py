"""A run in which every task waits for another one ends with Deadlock; one that something could
still wake goes on."""

import unittest

from programs import Program
from scenarios import main

START = """
    import gc, os, signal, socket, sys, threading, time, weakref
    import tonio.colored as tonio
    from tonio.colored.sync import Lock
    from tonio.colored.sync.channel import channel

    event = tonio.Event()

    async def others():
        tonio.spawn.without_tracking(forever())

    async def forever():
        try:
            await tonio.Event().wait()
        finally:
            print("cleaned up")
"""

DEADLOCKS = {
    "event": """
    async def program():
        await event.wait()
    """,
    "spawned": """
    async def program():
        await tonio.spawn(forever(), forever())
    """,
    "locks": """
    async def takes(one, two):
        with await one():
            await tonio.sleep(0.05)
            with await two():
                pass

    async def program():
        a, b = Lock(), Lock()
        async with tonio.scope() as s:
            s.spawn(takes(a, b))
            s.spawn(takes(b, a))
    """,
    "channel": """
    async def program():
        sender, receiver = channel(1)
        await receiver.receive()
    """,
    "after_a_blocking_call": """
    async def program():
        await tonio.spawn_blocking(time.sleep, 0.3)
        await event.wait()
    """,
}

GO_ON = {
    "stdin": """
    async def program():
        read, write = os.pipe()
        threading.Timer(0.6, os.write, (write, b"x")).start()
        print(await tonio.spawn_blocking(os.read, read, 1))
    """,
    "sleep": """
    async def program():
        handle = tonio.spawn(tonio.sleep(0.6))
        await handle
    """,
    "timeout": """
    async def program():
        await event.wait(0.6)
    """,
    "thread": """
    async def program():
        threading.Timer(0.6, event.set).start()
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
    "handler": """
    def handler(*_):
        event.set()

    async def program():
        await event.wait()

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.6)
    """,
    "garbage": """
    class Garbage:
        pass

    async def program():
        first = Garbage()
        first.itself = first
        weakref.finalize(first, event.set)
        del first
        await event.wait()
    """,
}


class Deadlocks(unittest.TestCase):
    def check(self, text, *options):
        with Program(START + text + "\n    tonio.run(program())\n", *options) as program:
            return program.end(12)


def add(name, text, stuck):
    def test(self):
        for threads in ("1", "2", "4"):
            done = self.check(text, "--threads", threads)
            if stuck:
                self.assertEqual(done.code, 1, done.err)
                self.assertIn("tonio: deadlock: every task waits for another one; ", done.err)
                self.assertIn("tonio.exceptions.Deadlock: ", done.err)
                self.assertRegex(done.err, r"\n  task program: suspended on tonio")
            else:
                self.assertEqual((done.code, done.err), (0, ""))

    setattr(Deadlocks, f"test_{name}", test)


for name, text in DEADLOCKS.items():
    add(f"{name}_is_one", text, True)
for name, text in GO_ON.items():
    add(f"{name}_is_none", text, False)


class Forever(unittest.TestCase):
    def test_run_forever_and_signals_are_none(self):
        for text in ("tonio.runtime().run_forever()", "tonio.run(wait(), signals=[signal.SIGHUP])"):
            with Program(f"""
                import signal, tonio

                def wait():
                    yield tonio.Event().wait()

                print("ready", flush=True)
                {text}
            """) as program:
                program.line()
                try:
                    done = program.end(1)
                except Exception:
                    continue
                self.fail(done.err)


if __name__ == "__main__":
    main()
