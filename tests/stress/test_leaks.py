"""A hundred thousand uses of each primitive leave nothing behind: no object, no memory."""

import contextlib
import signal

import tonio
from leaks import check_nothing_is_left
from sanitizers import SANITIZED, THREAD_SANITIZER
from scale import scaled
from scenarios import Scenarios, main
from tonio import sync
from tonio.sync import channel
from tonio.time import interval, timeout

ROUNDS = scaled(1_000 if THREAD_SANITIZER else 10_000 if SANITIZED else 100_000)
# Each of these starts a thread or looks at every task.
FEWER = ROUNDS // 20
TASKS = 10
# Each thread holds memory of its own, so there are as many each time.
OPTIONS = {"threads": 2, "blocking_threadpool_size": 2, "signals": [signal.SIGUSR1]}


def nothing():
    yield


def long():
    yield tonio.sleep(3600)


def raises():
    yield
    raise ValueError("as it should")


# Each: a generator function (count) that uses a primitive `count` times.


def scopes(count):
    for _ in range(count):
        with tonio.scope() as scope:
            scope.spawn(nothing())
        yield scope()


def cancelled_scopes(count):
    for _ in range(count):
        with tonio.scope() as scope:
            scope.spawn(long())
            yield
            scope.cancel()
        yield scope()


def scopes_with_a_time_limit(count):
    for _ in range(count):
        with tonio.scope(timeout=0) as scope:
            scope.spawn(long())
            yield tonio.sleep(1)
        yield scope()


def shields(count):
    for _ in range(count):
        with tonio.scope() as outer:
            with tonio.scope(shield=True) as inner:
                outer.cancel()
                yield
            yield inner()
        yield outer()


def scopes_with_a_failed_child(count):
    for _ in range(count):
        try:
            with tonio.scope() as scope:
                scope.spawn(raises())
                yield
            yield scope()
        except* ValueError:
            pass


def selects(count):
    for _ in range(count):
        yield tonio.select(long(), nothing())


def timeouts_in_time(count):
    for _ in range(count):
        yield timeout(nothing(), 3600)


def timeouts_too_late(count):
    for _ in range(count):
        yield timeout(long(), 0)


def completed(count):
    for _ in range(count // 2):
        for task in tonio.as_completed(nothing(), nothing()):
            yield task


def ticks(count):
    ticker = interval(1e-6)
    for _ in range(count):
        yield ticker.tick()


def intervals(count):
    for _ in range(count):
        interval(3600).tick()
        yield interval(1).tick()


def waits_with_a_timeout(count):
    event = tonio.Event()
    for _ in range(count):
        yield event.wait(0)


def waits_in_time(count):
    for _ in range(count):
        event = tonio.Event()
        tonio.spawn.without_tracking(event.wait(3600))
        yield
        event.set()


def waits_for_several_events(count):
    for _ in range(count // 2):
        events = [tonio.Event(), tonio.Event()]
        handle = tonio.spawn(tonio.Waiter(*events))
        yield
        for event in events:
            event.set()
        yield handle


def scopes_cancelled_before(count):
    for _ in range(count):
        scope = tonio.scope()
        scope.cancel()
        with scope:
            yield
        yield scope()


def sleeps(count):
    for _ in range(count):
        yield tonio.sleep(1e-6)


def spawns(count):
    for _ in range(count):
        yield tonio.spawn(nothing())


def spawns_without_tracking(count):
    for _ in range(count):
        tonio.spawn.without_tracking(nothing())
        yield


def spawns_that_fail(count):
    for _ in range(count):
        try:
            yield tonio.spawn(raises())
        except* ValueError:
            pass


def lists(count):
    for _ in range(count // 2):
        yield [nothing(), nothing()]


def sets(count):
    for _ in range(count // 2):
        yield {nothing(), nothing()}


def maps(count):
    def one(_):
        yield

    yield tonio.map(one, range(count))


def shared_coroutines(count):
    def use(shared):
        return (yield shared)

    for _ in range(count // 2):
        shared = nothing()
        yield tonio.spawn(use(shared), use(shared))


def signal_receivers(count):
    for _ in range(count):
        with tonio.signal_receiver(signal.SIGUSR1):
            yield


def blocking_calls(count):
    for _ in range(count):
        yield tonio.spawn_blocking(int)


def blocking_maps(count):
    yield tonio.map_blocking(str, range(count))


def cancelled_blocking_calls(count):
    for _ in range(count):
        with contextlib.suppress(tonio.exceptions.TimeoutError):
            yield timeout(tonio.spawn_blocking(int), 0)


def blocks_on(count):
    def calls():
        for _ in range(count):
            tonio.block_on(nothing())

    yield tonio.spawn_blocking(calls)


def looks_at_tasks(count):
    for _ in range(count):
        tonio.tasks()
        yield


def locks(count):
    lock = sync.Lock()

    def use():
        for _ in range(count // TASKS):
            with (yield lock()):
                yield

    yield tonio.spawn(*[use() for _ in range(TASKS)])


def semaphores(count):
    semaphore = sync.Semaphore(2)

    def use():
        for _ in range(count // TASKS):
            yield semaphore.acquire()
            yield
            semaphore.release()

    yield tonio.spawn(*[use() for _ in range(TASKS)])


def locks_that_time_out(count):
    lock = sync.Lock()
    with (yield lock()):
        for _ in range(count):
            yield timeout(lock(), 0)


def barriers(count):
    for _ in range(count // 2):
        barrier = sync.Barrier(2)
        yield tonio.spawn(barrier.wait(), barrier.wait())


def messages(count):
    for sender, receiver in (channel.channel(2), channel.unbounded()):

        def produce(sender=sender):
            for number in range(count // 4):
                sending = sender.send([number])
                if sending is not None:
                    yield sending

        def consume(receiver=receiver):
            for _ in range(count // 4):
                yield receiver.receive()

        yield tonio.spawn(produce(), produce(), consume(), consume())


def channels_with_cycles(count):
    for _ in range(count):
        sender, receiver = channel.unbounded()
        for _ in range(4):
            sender.send((sender, receiver))
        yield receiver.receive()


class Leaks(Scenarios):
    """Gets a test for each use."""


def _add(use, rounds, notations=("yield", "await")):
    for notation in notations:

        def test(self, notation=notation):
            self.notation = notation
            check_nothing_is_left(
                self,
                lambda count: tonio.run(self.task(use)(count), **OPTIONS),
                rounds,
            )

        setattr(Leaks, f"test_{use.__name__}_{notation}", test)


for _use in (
    scopes,
    cancelled_scopes,
    scopes_cancelled_before,
    scopes_with_a_time_limit,
    shields,
    scopes_with_a_failed_child,
    selects,
    timeouts_in_time,
    timeouts_too_late,
    completed,
    ticks,
    intervals,
    waits_with_a_timeout,
    waits_in_time,
    waits_for_several_events,
    sleeps,
    spawns,
    spawns_without_tracking,
    spawns_that_fail,
    maps,
    shared_coroutines,
    signal_receivers,
    locks,
    semaphores,
    locks_that_time_out,
    barriers,
    messages,
    channels_with_cycles,
):
    _add(_use, ROUNDS)
for _use in (blocking_calls, blocking_maps, cancelled_blocking_calls, blocks_on, looks_at_tasks):
    _add(_use, FEWER)
for _use in (lists, sets):
    _add(_use, ROUNDS, ["yield"])


if __name__ == "__main__":
    main()
