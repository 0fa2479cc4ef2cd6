"""tonio.net.socket over TCP: connect, accept, send, receive."""

import socket as std
import unittest

import tonio
from scenarios import Scenarios, main
from tonio.net import socket


def needs_localhost(test):
    """Skips the test on a machine without an /etc/hosts, such as a bare root file system."""
    try:
        std.gethostbyname("localhost")
    except OSError:
        test.skipTest("this machine doesn't know the name localhost")


def listener(family=socket.AF_INET, host="127.0.0.1"):
    """Yield it: a listening socket on a free port."""
    sock = socket.socket(family)
    yield sock.bind((host, 0))
    sock.listen()
    return sock


def connected_pair(family=socket.AF_INET, host="127.0.0.1"):
    """Yield it: both ends of a TCP connection."""
    with (yield listener(family, host)) as server:
        client = socket.socket(family)
        accepting = tonio.spawn(server.accept())
        yield client.connect(server.getsockname())
        connection, _ = yield accepting
    return client, connection


def receive_exactly(sock, size):
    received = bytearray()
    while len(received) < size:
        data = yield sock.recv(65536)
        if not data:
            break
        received += data
    return bytes(received)


def has_ipv6():
    try:
        with std.socket(std.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


class Connection(Scenarios):
    def test_there_and_back(self):
        client, server = yield connected_pair()
        with client, server:
            self.assertEqual((yield client.send(b"ping")), 4)
            self.assertEqual((yield server.recv(100)), b"ping")
            self.assertIsNone((yield server.sendall(b"pong")))
            self.assertEqual((yield client.recv(100)), b"pong")

    def test_accept_gives_socket_and_address(self):
        with (yield listener()) as server:
            with socket.socket() as client:
                yield client.connect(server.getsockname())
                connection, address = yield server.accept()
                with connection:
                    self.assertIsInstance(connection, socket.socket)
                    self.assertEqual(address, client.getsockname())
                    self.assertEqual(connection.getpeername(), client.getsockname())
                    self.assertEqual(connection.getsockname(), server.getsockname())

    def test_end_of_stream_is_empty_bytes(self):
        client, server = yield connected_pair()
        with client, server:
            yield client.sendall(b"last")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual((yield server.recv(100)), b"last")
            self.assertEqual((yield server.recv(100)), b"")
            self.assertEqual((yield server.recv(100)), b"")
            # The other direction is still open.
            yield server.sendall(b"answer")
            self.assertEqual((yield client.recv(100)), b"answer")

    def test_receives_what_is_there(self):
        client, server = yield connected_pair()
        with client, server:
            yield client.sendall(b"abcdef")
            self.assertEqual((yield server.recv(4)), b"abcd")
            self.assertEqual((yield server.recv(4)), b"ef")
            receiving = tonio.spawn(server.recv(4))
            yield client.sendall(b"g")
            self.assertEqual((yield receiving), b"g")

    def test_nothing_to_receive_or_send(self):
        client, server = yield connected_pair()
        with client, server:
            yield client.sendall(b"x")
            self.assertEqual((yield server.recv(0)), b"")
            self.assertEqual((yield server.recv(1)), b"x")
            yield client.sendall(b"")
            self.assertEqual((yield client.send(b"")), 0)

    def test_receiving_nothing_does_not_wait_for_data(self):
        client, server = yield connected_pair()
        with client, server:
            yield client.sendall(b"xy")
            self.assertEqual((yield server.recv(10)), b"xy")  # and nothing more comes
            self.assertEqual((yield server.recv(0)), b"")
            self.assertEqual((yield server.recv_into(bytearray())), 0)
        with self.assertRaises(OSError):
            yield server.recv(0)

    def test_recv_into(self):
        client, server = yield connected_pair()
        with client, server:
            yield client.sendall(b"abcdef")
            buffer = bytearray(10)
            self.assertEqual((yield server.recv_into(buffer, 2)), 2)
            self.assertEqual((yield server.recv_into(memoryview(buffer)[2:])), 4)
            self.assertEqual(buffer, b"abcdef\0\0\0\0")
            yield client.sendall(b"xyz")
            self.assertEqual((yield server.recv_into(buffer, nbytes=3, flags=0)), 3)

    def test_send_takes_any_buffer(self):
        client, server = yield connected_pair()
        with client, server:
            for data in (bytearray(b"abc"), memoryview(b"xabc")[1:], b"abc"):
                yield client.sendall(data)
                self.assertEqual((yield server.recv(10)), b"abc")

    def test_flags(self):
        client, server = yield connected_pair()
        with client, server:
            yield client.sendall(b"peek")
            yield tonio.sleep(0)
            self.assertEqual((yield server.recv(10, socket.MSG_PEEK)), b"peek")
            self.assertEqual((yield server.recv(10)), b"peek")

    def test_without_waiting(self):
        client, server = yield connected_pair()
        with client, server:
            for use in (
                lambda: server.recv(10, socket.MSG_DONTWAIT),
                lambda: server.recv_into(bytearray(10), 0, socket.MSG_DONTWAIT),
                lambda: server.recvfrom(10, socket.MSG_DONTWAIT),
                lambda: server.recvmsg(10, 0, socket.MSG_DONTWAIT),
                lambda: server.recv(10, socket.MSG_DONTWAIT | socket.MSG_WAITALL),
                lambda: client.sendall(b"x" * 50_000_000, socket.MSG_DONTWAIT),
            ):
                with self.assertRaises(BlockingIOError):
                    yield use()
            with self.assertRaises(BlockingIOError):
                while True:
                    yield client.send(b"x" * 1000, socket.MSG_DONTWAIT)

    def test_sendall_to_a_slow_reader(self):
        client, server = yield connected_pair()
        data = bytes(range(256)) * (20 * 1024 * 1024 // 256)
        with client, server:
            sending = tonio.spawn(client.sendall(data))
            yield tonio.sleep(0.02)
            received = yield receive_exactly(server, len(data))
            yield sending
            self.assertTrue(received == data)

    def test_both_directions_at_once(self):
        client, server = yield connected_pair()
        data = b"x" * 3_000_000
        with client, server:
            sizes = yield tonio.spawn(
                client.sendall(data),
                server.sendall(data),
                receive_exactly(client, len(data)),
                receive_exactly(server, len(data)),
            )
            self.assertTrue(sizes[2] == sizes[3] == data)

    def test_many_messages(self):
        client, server = yield connected_pair()

        @self.task
        def echo():
            while data := (yield server.recv(100)):
                yield server.sendall(data)

        with client, server:
            echoing = tonio.spawn(echo())
            for number in range(1000):
                message = b"%d" % number
                yield client.sendall(message)
                self.assertEqual((yield client.recv(100)), message)
            client.shutdown(socket.SHUT_WR)
            yield echoing

    def test_many_connections(self):
        with (yield listener()) as server:
            @self.task
            def echo(connection):
                with connection:
                    while data := (yield connection.recv(100)):
                        yield connection.sendall(data)

            @self.task
            def serve():
                for _ in range(200):
                    connection, _ = yield server.accept()
                    tonio.spawn.without_tracking(echo(connection))

            @self.task
            def talk(number):
                with socket.socket() as client:
                    yield client.connect(server.getsockname())
                    for _ in range(5):
                        message = b"%d" % number
                        yield client.sendall(message)
                        self.assertEqual((yield client.recv(100)), message)

            yield tonio.spawn(serve(), *[talk(number) for number in range(200)])

    @unittest.skipUnless(has_ipv6(), "no IPv6 here: ::1 can't be bound")
    def test_ipv6(self):
        client, server = yield connected_pair(socket.AF_INET6, "::1")
        with client, server:
            self.assertEqual(client.getpeername()[0], "::1")
            yield client.sendall(b"six")
            self.assertEqual((yield server.recv(10)), b"six")


class Names(Scenarios):
    def test_localhost(self):
        needs_localhost(self)
        with (yield listener(host="localhost")) as server:
            self.assertEqual(server.getsockname()[0], "127.0.0.1")
            with socket.socket() as client:
                yield client.connect(("localhost", server.getsockname()[1]))
                connection, _ = yield server.accept()
                connection.close()

    def test_create_connection(self):
        needs_localhost(self)
        with (yield listener()) as server:
            port = server.getsockname()[1]
            with (yield socket.create_connection(("localhost", port))) as client:
                self.assertEqual(client.getpeername(), ("127.0.0.1", port))
            with (yield socket.create_connection(("127.0.0.1", port), None, ("127.0.0.1", 0))):
                pass

    def test_the_empty_name_is_any_address(self):
        with socket.socket() as sock:
            yield sock.bind(("", 0))
            self.assertEqual(sock.getsockname()[0], "0.0.0.0")

    def test_unknown_names(self):
        with socket.socket() as sock:
            with self.assertRaises(socket.gaierror):
                yield sock.connect(("name.invalid", 80))

    def test_getaddrinfo(self):
        found = yield socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
        self.assertEqual(found, std.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM))


if __name__ == "__main__":
    main()
