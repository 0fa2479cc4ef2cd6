"""Locks, semaphores, barriers and channels under many tasks and threads at once: limits
hold, every message arrives exactly once, nothing is left over."""

import threading
import unittest

import tonio
from scale import WORKERS, scaled
from scenarios import main
from tonio import sync
from tonio.sync import channel


class Inside:
    """Counts who is in a guarded block, and how often that were too many."""

    def __init__(self, limit):
        self.limit = limit
        self.now = []
        self.too_many = []
        self.visits = []

    def enter(self):
        self.now.append(1)
        if len(self.now) > self.limit:
            self.too_many.append(len(self.now))

    def leave(self):
        self.visits.append(1)
        self.now.pop()


class Permits(unittest.TestCase):
    def check(self, permits, limit, inside, visits=None):
        self.assertEqual(inside.too_many, [])
        self.assertEqual(inside.now, [])
        if visits is not None:
            self.assertEqual(len(inside.visits), visits)
        for _ in range(limit):
            self.assertTrue(permits.try_acquire())
        self.assertFalse(permits.try_acquire())

    def each(self):
        for workers in WORKERS:
            for permits, limit in [(sync.Lock(), 1), (sync.Semaphore(3), 3)]:
                with self.subTest(workers=workers, limit=limit):
                    yield workers, permits, limit, Inside(limit)

    def test_the_limit_holds(self):
        rounds = scaled(200)
        for workers, permits, limit, inside in self.each():

            def generator(permits=permits, inside=inside):
                for number in range(rounds):
                    with (yield permits()):
                        inside.enter()
                        if number % 3:
                            yield
                        inside.leave()

            async def coroutine(permits=permits, inside=inside):
                for _ in range(rounds):
                    async with permits:
                        inside.enter()
                        await tonio.sleep(0)
                        inside.leave()

            def program(make=(generator, coroutine)):
                yield [function() for function in make for _ in range(10)]

            tonio.run(program(), threads=workers)
            self.check(permits, limit, inside, 20 * rounds)

    def test_a_plain_counter_needs_nothing_else(self):
        rounds = scaled(1000)
        for workers in WORKERS:
            lock = sync.Lock()
            counter = 0

            def count(lock=lock):
                nonlocal counter
                for _ in range(rounds):
                    with (yield lock()):
                        counter += 1

            def program(count=count):
                yield [count() for _ in range(10)]

            tonio.run(program(), threads=workers)
            self.assertEqual(counter, 10 * rounds)

    def test_with_threads_that_try_and_release(self):
        rounds = scaled(300)
        for workers, permits, limit, inside in self.each():

            def use(permits=permits, inside=inside):
                for _ in range(rounds):
                    if permits.try_acquire():
                        inside.enter()
                        inside.leave()
                        permits.release()

            def wait(permits=permits, inside=inside):
                for _ in range(rounds // 10):
                    tonio.block_on(permits.acquire())
                    inside.enter()
                    inside.leave()
                    permits.release()

            def task(permits=permits, inside=inside):
                for _ in range(rounds):
                    with (yield permits()):
                        inside.enter()
                        inside.leave()

            def program(use=use, wait=wait, task=task):
                threads = [tonio.spawn_blocking(function) for function in (use, wait, use)]
                yield [task() for _ in range(5)]
                yield threads

            tonio.run(program(), threads=workers)
            self.check(permits, limit, inside)

    def test_the_run_ends_and_cancels_during_hand_offs(self):
        for _ in range(scaled(15)):
            for workers, permits, limit, inside in self.each():

                def generator(permits=permits, inside=inside):
                    while True:
                        with (yield permits()):
                            inside.enter()
                            try:
                                yield
                            finally:
                                inside.leave()

                async def coroutine(permits=permits, inside=inside):
                    while True:
                        async with permits:
                            inside.enter()
                            inside.leave()

                def program(make=(generator, coroutine)):
                    tonio.spawn.without_tracking(*[f() for f in make for _ in range(10)])
                    yield tonio.sleep(0.001)

                tonio.run(program(), threads=workers)
                self.check(permits, limit, inside)


class Barriers(unittest.TestCase):
    def test_all_pass_with_an_index_of_their_own(self):
        for workers in WORKERS:
            for parties in (1, 2, 7, 100):
                for _ in range(scaled(10)):
                    barrier = sync.Barrier(parties)
                    arrived = []

                    def arrive(barrier=barrier, arrived=arrived):
                        arrived.append(1)
                        index = yield barrier.wait()
                        return index, len(arrived)

                    def program(arrive=arrive, parties=parties):
                        return (yield [arrive() for _ in range(parties)])

                    results = tonio.run(program(), threads=workers)
                    self.assertEqual(sorted(index for index, _ in results), list(range(parties)))
                    self.assertEqual({count for _, count in results}, {parties})


class Channels(unittest.TestCase):
    def exchange(self, workers, sender, receiver, bounded, close_early=False):
        """Gives the messages that were sent, and those that were received."""
        each = scaled(300)
        sent, received = [], []
        producing = sync.Barrier(4)

        def produce(offset):
            for number in range(offset, offset + each):
                try:
                    sending = sender.send(number)
                    if bounded:
                        yield sending
                except BrokenPipeError:
                    return
                sent.append(number)
            yield producing.wait()

        async def consume():
            while True:
                try:
                    received.append(await receiver.receive())
                except BrokenPipeError:
                    return

        def close():
            if close_early:
                while len(received) < each // 2:
                    yield
            else:
                yield producing.wait()
            receiver.close()
            # Who waits for the others to have sent everything.
            for _ in range(4):
                producing.ack()

        def program():
            yield [
                *[produce(each * number) for number in range(3)],
                *[consume() for _ in range(4)],
                close(),
            ]

        tonio.run(program(), threads=workers)
        return sorted(sent), sorted(received), 3 * each

    def kinds(self):
        for workers in WORKERS:
            for capacity in (1, 3, None):
                ends = channel.channel(capacity) if capacity else channel.unbounded()
                with self.subTest(workers=workers, capacity=capacity):
                    yield workers, *ends, capacity is not None

    def test_every_message_arrives_once(self):
        for arguments in self.kinds():
            sent, received, count = self.exchange(*arguments)
            self.assertEqual(sent, list(range(count)))
            self.assertEqual(received, sent)

    def test_closing_meanwhile_loses_nothing_that_was_sent(self):
        for _ in range(scaled(5)):
            for arguments in self.kinds():
                sent, received, _count = self.exchange(*arguments, close_early=True)
                self.assertEqual(received, sent)

    def test_threads_send_and_tasks_receive(self):
        count = scaled(3000)
        for workers in WORKERS:
            sender, receiver = channel.unbounded()
            received = []

            def produce(offset, sender=sender):
                for number in range(offset, offset + count):
                    sender.send(number)

            async def consume(receiver=receiver, received=received):
                while True:
                    try:
                        received.append(await receiver.receive())
                    except BrokenPipeError:
                        return

            def program(sender=sender, produce=produce, consume=consume):
                consuming = tonio.spawn(*[consume() for _ in range(4)])
                yield [tonio.spawn_blocking(produce, count * number) for number in range(3)]
                sender.close()
                yield consuming

            tonio.run(program(), threads=workers)
            self.assertEqual(sorted(received), list(range(3 * count)))

    def test_the_run_ends_and_cancels_during_hand_offs(self):
        for _ in range(scaled(30)):
            for workers, sender, receiver, bounded in self.kinds():
                sent, received = [], []

                def produce(offset, sender=sender, sent=sent, bounded=bounded):
                    for number in range(offset, offset + 1_000_000):
                        sending = sender.send(number)
                        if bounded:
                            yield sending
                        else:
                            sent.append(number)
                            yield
                            continue
                        sent.append(number)

                async def consume(receiver=receiver, received=received):
                    while True:
                        received.append(await receiver.receive())

                def program(produce=produce, consume=consume):
                    tonio.spawn.without_tracking(
                        *[produce(number * 1_000_000) for number in range(3)],
                        *[consume() for _ in range(3)],
                    )
                    yield tonio.sleep(0.001)

                def drain(receiver=receiver, received=received):
                    receiver.close()
                    while True:
                        try:
                            received.append((yield receiver.receive()))
                        except BrokenPipeError:
                            return

                tonio.run(program(), threads=workers)
                tonio.run(drain(), threads=1)
                self.assertEqual(sorted(received), sorted(sent))

    def test_closed_by_a_thread_while_tasks_begin_to_wait(self):
        for _ in range(scaled(100)):
            for workers in WORKERS:
                sender, receiver = channel.channel(1)
                closing = threading.Thread(target=receiver.close)

                async def receive(receiver=receiver):
                    try:
                        return await receiver.receive()
                    except BrokenPipeError:
                        return None

                async def send(number, sender=sender):
                    try:
                        await sender.send(number)
                        return number
                    except BrokenPipeError:
                        return None

                def program(closing=closing, receive=receive, send=send):
                    tasks = tonio.spawn(*[receive() for _ in range(5)])
                    others = tonio.spawn(*[send(number) for number in range(5)])
                    closing.start()
                    return (yield tasks), (yield others)

                received, sent = tonio.run(program(), threads=workers)
                closing.join()
                received = [number for number in received if number is not None]
                sent = [number for number in sent if number is not None]
                self.assertEqual(len(set(received)), len(received))
                self.assertLessEqual(set(received), set(sent))
                # One may be in the buffer still.
                self.assertLessEqual(len(sent) - len(received), 1)


if __name__ == "__main__":
    main()
