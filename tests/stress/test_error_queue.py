"""Sockets whose error queue is never read lose no wake: every datagram arrives."""

import socket as std
import unittest

import tonio
from scale import scaled
from scenarios import main
from tonio.net import socket

IP_RECVERR = 11  # linux/in.h


def with_an_error():
    """Yield it: a UDP socket on a port of its own, with an error in its queue."""
    sock = socket.socket(type=socket.SOCK_DGRAM)
    with std.socket(type=std.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    yield sock.bind(("127.0.0.1", 0))
    yield sock.sendto(b"x", address)
    try:
        yield sock.recv(1)
    except ConnectionRefusedError:
        pass
    return sock


class ErrorQueue(unittest.TestCase):
    def test_request_and_answer(self):
        # One datagram is under way at a time, so a lost wake is a hang.
        def echo(sock, count):
            for _ in range(count):
                data, sender = yield sock.recvfrom(100)
                yield sock.sendto(data, sender)

        def ask(sock, target, count):
            for number in range(count):
                message = b"%d" % number
                yield sock.sendto(message, target)
                answer = yield sock.recv(100)
                assert answer == message, (answer, message)

        def once(count):
            first, second = (yield with_an_error()), (yield with_an_error())
            with first, second:
                yield [echo(second, count), ask(first, second.getsockname(), count)]

        def program():
            yield [once(scaled(1000)) for _ in range(10)]

        for workers in (1, 2, 8):
            tonio.run(program(), threads=workers)

    def test_several_receivers(self):
        def receive(sock, received, done):
            while len(received) < done:
                try:
                    received.append((yield sock.recv(100)))
                except OSError:
                    return  # closed: all has come
            sock.close()

        def once(count):
            sock = yield with_an_error()
            address = sock.getsockname()
            received = []
            receiving = tonio.spawn(*[receive(sock, received, count) for _ in range(5)])
            with socket.socket(type=socket.SOCK_DGRAM) as sender:
                for number in range(count):
                    yield sender.sendto(b"%d" % number, address)
                    # Never more than the socket's buffer holds.
                    while number - len(received) > 50:
                        yield
            yield receiving
            assert sorted(received, key=int) == [b"%d" % number for number in range(count)]

        def program():
            yield [once(scaled(500)) for _ in range(5)]

        for workers in (1, 2, 8):
            tonio.run(program(), threads=workers)


if __name__ == "__main__":
    main()
