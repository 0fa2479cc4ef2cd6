"""malloc fails in each of its calls within a public call, one after the other: the call raises
MemoryError, or copes; what it was about is unharmed, and nothing is lost.

What is not tonio's is kept out of the blocks: CPython's import system, which raises RuntimeError
("can't allocate lock")."""

from failing_calls import COMMON, FailingCalls
from scenarios import main

TASKS = """
    def spawn_some(failing, count):
        ran.clear()
        coros = [child(i) for i in range(count)]
        with failing:
            handle = tonio.spawn(*coros)
        if failing.raised:
            yield
            assert not ran
            handle = tonio.spawn(*coros)
        result = yield handle
        assert result == (list(range(count)) if count > 1 else 0) and len(ran) == count

    def spawn(failing):
        yield spawn_some(failing, 1)

    def spawn_several(failing):
        yield spawn_some(failing, 3)

    def spawn_large(failing):
        yield spawn_some(failing, 200)

    def spawn_without_tracking(failing):
        done = tonio.Event()
        def task():
            yield
            done.set()
        coro = task()
        with failing:
            tonio.spawn.without_tracking(coro)
        if failing.raised:
            tonio.spawn.without_tracking(coro)
        yield done.wait()

    def scope_spawn(failing):
        ran.clear()
        coro = child()
        with tonio.scope() as scope:
            with failing:
                scope.spawn(coro)
            if failing.raised:
                scope.spawn(coro)
        yield scope()
        assert len(ran) == 1

    def scope_with_timeout(failing):
        scope, entered = tonio.scope(timeout=100), 0
        with failing, scope:
            entered += 1
        if failing.raised:
            with scope:
                entered += 1
        yield scope()
        assert entered == 1

    def yield_list(failing):
        ran.clear()
        coros = [child(1), child(2)]
        with failing:
            assert (yield coros) == [1, 2]
        if failing.raised:
            assert not ran and (yield coros) == [1, 2]

    def yield_set(failing):
        ran.clear()
        coros = {child(1), child(2)}
        with failing:
            yield coros
        if failing.raised:
            assert not ran
            yield coros
        while len(ran) < 2:
            yield

    def yield_coroutine(failing):
        def call(depth):
            return (yield call(depth - 1)) if depth else 5
        with failing:
            assert (yield call(20)) == 5

    def map(failing):
        with failing:
            assert (yield tonio.map(child, [1, 2, 3])) == [1, 2, 3]

    def select(failing):
        event = tonio.Event()
        event.set()
        with failing:
            yield tonio.select(event.wait(), tonio.sleep(100))

    def as_completed(failing):
        with failing:
            for each in tonio.as_completed(tonio.sleep(0), tonio.sleep(0)):
                yield each

    def timeout(failing):
        with failing:
            yield tonio.time.timeout(tonio.sleep(0), 100)

    def blocking(failing):
        while len(os.listdir("/proc/self/task")) > 2:  # one that is idle needs no memory
            yield tonio.sleep(0)
        with failing:
            try:
                assert (yield tonio.spawn_blocking(len, "abc")) == 3
            except RuntimeError as error:  # libc has none for a thread
                assert "refuses another thread" in str(error), error

    CASES = (spawn, spawn_several, spawn_large, spawn_without_tracking, scope_spawn, scope_with_timeout,
             yield_list, yield_set, yield_coroutine, map, select, as_completed, timeout, blocking)
"""

WAITS = """
    def unbounded_send(failing):
        sender, receiver = channel.unbounded()
        sent, got = [], []
        with failing:
            for message in range(200):
                sender.send(message)
                sent.append(message)
        sender.send(None)
        while (message := (yield receiver.receive())) is not None:
            got.append(message)
        assert got == sent

    def send(failing):
        sender, receiver = channel.channel(200)
        sent, got = [], []
        with failing:
            for message in range(200):
                yield sender.send(message)
                sent.append(message)
        for _ in sent:
            got.append((yield receiver.receive()))
        assert got == sent

    def receive(failing):
        sender, receiver = channel.channel(100)
        got = []
        for message in range(100):
            yield sender.send(message)
        waiting = [tonio.spawn(sender.send(message)) for message in range(100, 200)]
        yield tonio.sleep(0)
        with failing:
            while len(got) < 150:
                got.append((yield receiver.receive()))
        while len(got) < 200:
            got.append((yield receiver.receive()))
        yield waiting
        assert got == list(range(200))

    def make_channel(failing):
        with failing:
            channel.unbounded()

    def sleep(failing):
        failures = []
        def sleeper(seconds):
            try:
                yield tonio.sleep(seconds)
            except MemoryError:
                failures.append(seconds)
        with tonio.scope() as scope:
            for number in range(100):
                scope.spawn(sleeper(1000 - number))
            with failing:
                yield  # they begin to sleep
            scope.cancel()
        yield scope()
        assert len(failures) <= 1
        failing.raised = bool(failures)

    def event_timeout(failing):
        event = tonio.Event()
        with failing:
            yield event.wait(timeout=0)
        event.set()
        yield event.wait()

    def locks(failing):
        lock, semaphore, barrier = Lock(), Semaphore(1), Barrier(2)
        def others():
            with (yield lock()), (yield semaphore()):
                yield tonio.sleep(0)
            yield barrier.wait()
        other = tonio.spawn(others())
        yield tonio.sleep(0)
        with failing:
            with (yield lock()), (yield semaphore()):
                pass
        yield barrier.wait()
        yield other

    CASES = unbounded_send, send, receive, make_channel, sleep, event_timeout, locks
"""

# Where it is a worker that makes the tasks of a spawn, the tasks fail.
MADE_LATER = """
    def main():
        def task(number):
            ran.append(number)
            yield stay.wait()
        stay = tonio.Event()
        failing = Failing(size=50_000)  # 256 tasks at a time
        coros = [task(number) for number in range(2000)]
        spawned = tonio.spawn(*coros)
        with failing:
            while len(ran) < 1999:
                yield tonio.sleep(0)
        stay.set()
        try:
            yield spawned
        except* MemoryError as group:
            print(failing.failed, len(group.exceptions), len(ran))
        lost, = set(range(2000)) - set(ran)
        print(coros[lost].gi_frame)
"""

# At one of the spawns the objects for tasks are used up; it can be made again.
USED_UP = """
    def main():
        stay = tonio.Event()
        def task():
            yield stay.wait()
            ran.append(1)
        spawned = []
        with Failing(size=50_000) as failing:
            while True:
                spawned.append(None)
                coro = task()
                spawned[-1] = tonio.spawn(coro)
        spawned[-1] = tonio.spawn(coro)
        stay.set()
        for each in spawned:
            yield each
        print(failing.raised, len(ran) == len(spawned))
"""

# The first of them starts the runtime.
RUN = """
    import itertools
    import tonio
    from failing_malloc import Failing

    def task():
        yield
        return 5

    def walk_call(call):
        raised = 0
        for n in itertools.count(1):
            coro = task()
            with Failing(n) as failing:
                try:
                    assert call(coro) == 5
                except RuntimeError as error:  # libc has none for a thread
                    assert "refuses" in str(error), error
            raised += failing.raised
            coro.close()
            if not failing.failed:
                break
        assert call(task()) == 5
        print(raised > 0)

    walk_call(tonio.run)
    walk_call(tonio.block_on)
"""

# The table of descriptors has to grow.
HIGH_NUMBERS = """
    import os
    import tonio.io
    from failing_malloc import Failing

    def main():
        taken = [descriptor for _ in range(400) for descriptor in os.pipe()]
        before = len(os.listdir("/proc/self/fd"))
        with Failing(size=6_000) as failing:
            tonio.io.register(taken[-2])
        assert len(os.listdir("/proc/self/fd")) == before
        with tonio.io.register(taken[-2]) as registration:
            os.write(taken[-1], b"x")
            yield registration.arm_r()
        print(failing.raised)
"""

# A receiver that goes on without its message hands it back, and there is no room for it.
NOT_TO_BE_TOLD = """
    import tonio
    from failing_malloc import Failing
    from tonio.sync import channel

    def main():
        sender, receiver = channel.unbounded()
        class FirstStep:
            def __await__(self):
                yield next(receiver.receive().__await__())
        async def begin_to_receive():
            await FirstStep()
        task = tonio.spawn(begin_to_receive())
        yield
        with Failing(size=500):
            sender.send(1)
            yield task
"""


class Allocation(FailingCalls):
    def test_tasks(self):
        self.check_cases(TASKS, options=("--blocking-ttl", "0"))

    def test_waits(self):
        self.check_cases(WAITS, without=("locks",))

    def test_tasks_of_a_large_spawn(self):
        self.check(COMMON + MADE_LATER, "True 1 1999", "None")

    def test_no_more_task_objects(self):
        self.check(COMMON + USED_UP, "True True")

    def test_start_of_the_runtime(self):
        self.check(RUN, "True", "True")

    def test_descriptors_with_high_numbers(self):
        self.check(HIGH_NUMBERS, "True")

    def test_where_nobody_can_be_told(self):
        done = self.run_failing(NOT_TO_BE_TOLD)
        self.assertEqual(
            (done.code, done.err),
            (-6, "tonio: out of memory, where no call can raise MemoryError: the process ends\n"),
        )


if __name__ == "__main__":
    main()
