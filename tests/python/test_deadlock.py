"""A run in which every task waits for another one ends with Deadlock."""

import unittest

from deadlocks import add_tests, run_programs
from scenarios import main

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
    # The look at signal handlers imports _signal.
    "a_look_that_drops_what_a_worker_has_to_finalize": """
    import builtins
    held = []

    def importing(name, *args, real=builtins.__import__, **options):
        if name == "_signal":
            held.clear()
        return real(name, *args, **options)

    async def program():
        held.extend(object() for _ in range(10))
        builtins.__import__ = importing
        await event.wait()
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

class Deadlocks(unittest.TestCase):
    def check(self, text):
        for workers, done in run_programs(text + "\n    tonio.run(program())\n"):
            with self.subTest(workers=workers):
                self.assertEqual((done.code, done.out), (1, ""), done.err)
                self.assertRegex(done.err, r"tonio.exceptions.Deadlock: every task waits for ")
                self.assertRegex(done.err, r"; \d+ tasks?\n  task program: suspended on tonio.*\n")


add_tests(Deadlocks, DEADLOCKS)


class Ends(unittest.TestCase):
    """How the run ends."""

    def check(self, text, out):
        for workers, done in run_programs(text):
            with self.subTest(workers=workers):
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


if __name__ == "__main__":
    main()
