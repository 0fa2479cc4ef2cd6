"""Closing while somebody waits, with descriptors used again at once."""

import errno
import unittest

import tonio
from scale import WORKERS, scaled
from scenarios import main
from tonio.net import socket


class CloseStorm(unittest.TestCase):
    def test_close_during_a_wait(self):
        def waits(sock):
            try:
                return (yield sock.recv(1))
            except OSError as error:
                assert error.errno == errno.EBADF, error

        def closes(sock):
            yield
            sock.close()

        def sends(sock):
            try:
                yield sock.send(b"x")
            except BrokenPipeError:
                pass

        def once(number):
            first, second = socket.socketpair()
            # The datum and the close race; each outcome is right, none may hang.
            waiting = tonio.spawn(waits(first), waits(first))
            yield tonio.spawn(closes(first), sends(second))
            got = yield waiting
            assert set(got) <= {b"x", None}, got
            second.close()

        def program():
            for _ in range(scaled(100)):
                yield [once(number) for number in range(20)]

        for workers in WORKERS:
            tonio.run(program(), threads=workers)

    def test_data_never_goes_astray(self):
        # Each pair carries a number of its own; descriptors come round all the time.
        def pair(number):
            message = b"%d" % number
            for _ in range(scaled(100)):
                first, second = socket.socketpair()
                with first, second:
                    receiving = tonio.spawn(first.recv(100))
                    yield
                    yield second.sendall(message)
                    received = yield receiving
                    assert received == message, (received, message)

        def program():
            yield [pair(number) for number in range(40)]

        for workers in WORKERS:
            tonio.run(program(), threads=workers)

    def test_accept_against_close(self):
        def accepts(server):
            try:
                while True:
                    connection, _ = yield server.accept()
                    connection.close()
            except OSError as error:
                assert error.errno == errno.EBADF, error

        def connects(address):
            with socket.socket() as client:
                try:
                    yield client.connect(address)
                except ConnectionError:
                    pass

        def once():
            server = socket.socket()
            yield server.bind(("127.0.0.1", 0))
            server.listen()
            accepting = tonio.spawn(accepts(server), accepts(server))
            yield [connects(server.getsockname()) for _ in range(5)]
            server.close()
            yield accepting

        def program():
            for _ in range(scaled(60)):
                yield [once() for _ in range(4)]

        for workers in WORKERS:
            tonio.run(program(), threads=workers)


if __name__ == "__main__":
    main()
