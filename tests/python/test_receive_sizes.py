"""Received sizes around the borders of the ways to receive (runtime/python/socket_receive.cpp):
less than 16 KiB, more, more than expected, and more than the worker's buffer takes."""

import os
import random
import socket as std

import tonio
from scenarios import Scenarios, main
from tonio import net
from tonio.net import socket

MUCH, BUFFER = 16 * 1024, 64 * 1024
SIZES = [
    1, MUCH - 1, MUCH, MUCH + 1, BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER, 2 * BUFFER + 1, 100, 200_000
]


class Streams(Scenarios):
    def passes(self, data, send, receive):
        """`data` comes out as it went in, all pieces together."""
        sending = tonio.spawn(send(data))
        received = bytearray()
        while len(received) < len(data):
            received += yield receive()
        yield sending
        self.assertEqual(received, data)

    def test_all_sizes_after_one_another(self):
        first, second = socket.socketpair()
        with first, second:
            for asked in (100, MUCH, BUFFER, BUFFER + 1, 4 * BUFFER, 1 << 40):
                for size in SIZES:
                    yield self.passes(os.urandom(size), first.sendall, lambda: second.recv(asked))

    def test_random_sizes(self):
        randoms = random.Random(1)
        first, second = socket.socketpair()
        with first, second:
            for _ in range(100):
                data = os.urandom(randoms.randrange(1, 200_000))
                sizes = (1000, MUCH, BUFFER, BUFFER + 1, 300_000)
                yield self.passes(data, first.sendall, lambda: second.recv(randoms.choice(sizes)))

    def test_no_more_than_asked_for(self):
        for size in (10, MUCH + 1, BUFFER):
            first, second = socket.socketpair()
            with first, second:
                # The second time it is known how much comes.
                for _ in range(2):
                    yield first.sendall(bytes(size))
                    left = size
                    while left:
                        received = yield second.recv(min(left, size - 3))
                        self.assertLessEqual(len(received), min(left, size - 3))
                        left -= len(received)

    def test_the_end_after_much(self):
        first, second = socket.socketpair()
        with second:
            yield self.passes(bytes(5 * BUFFER), first.sendall, lambda: second.recv(4 * BUFFER))
            first.close()
            self.assertEqual((yield second.recv(4 * BUFFER)), b"")

    def test_a_stream(self):
        first, second = (net.SocketStream(end) for end in socket.socketpair())
        with first, second:
            for size in SIZES:
                yield self.passes(os.urandom(size), first.send_all, second.receive_some)


class Messages(Scenarios):
    def test_a_datagram_larger_than_the_buffer_is_whole(self):
        first, second = socket.socketpair(std.AF_UNIX, std.SOCK_DGRAM)
        with first, second:
            yield first.send(bytes(BUFFER + 1000))
            self.assertEqual(len((yield second.recv(1 << 20))), BUFFER + 1000)
            yield first.send(b"x" * 1000)
            self.assertEqual((yield second.recv(10)), b"x" * 10)

    def test_peeked_data_stays(self):
        first, second = socket.socketpair()
        with first, second:
            yield first.sendall(b"hello")
            self.assertEqual((yield second.recv(3, socket.MSG_PEEK)), b"hel")
            self.assertEqual((yield second.recv(1 << 20)), b"hello")


if __name__ == "__main__":
    main()
