"""A hundred thousand uses of locks, semaphores, barriers and channels leave nothing behind."""

import gc
import unittest

import tonio
from scenarios import main
from tonio import sync
from tonio.sync import channel


def resident_kib():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])


def permits(count):
    for made in (sync.Lock(), sync.Semaphore(2)):

        def use(made=made):
            for _ in range(count // 20):
                with (yield made()):
                    yield
                yield made.acquire()
                made.release()

        yield [use() for _ in range(10)]


def barriers(count):
    for _ in range(count // 4):
        barrier = sync.Barrier(2)
        yield [barrier.wait(), barrier.wait()]


def channels(count):
    for sender, receiver in (channel.channel(2), channel.unbounded()):

        def produce(sender=sender):
            for number in range(count // 8):
                sending = sender.send([number])
                if sending is not None:
                    yield sending

        def consume(receiver=receiver):
            for _ in range(count // 8):
                yield receiver.receive()

        yield [produce(), produce(), consume(), consume()]


def short_lived_channels(count):
    for _ in range(count // 10):
        sender, receiver = channel.unbounded()
        for _ in range(4):
            sender.send((sender, receiver))
        yield receiver.receive()


class Memory(unittest.TestCase):
    def check(self, uses):
        tonio.run(uses(100_000), threads=2)
        gc.collect()
        objects, before = len(gc.get_objects()), resident_kib()
        tonio.run(uses(100_000), threads=2)
        gc.collect()
        self.assertLess(len(gc.get_objects()) - objects, 100)
        self.assertLess(resident_kib() - before, 8 * 1024)

    def test_permits(self):
        self.check(permits)

    def test_barriers(self):
        self.check(barriers)

    def test_channels(self):
        self.check(channels)

    def test_channels_with_cycles(self):
        self.check(short_lived_channels)


if __name__ == "__main__":
    main()
