"""Sockets: errors, closing while somebody waits, many waiters, descriptors used again."""

import errno
import os
import resource
import socket as std
import struct

import tonio
from scenarios import Scenarios, main
from test_socket_tcp import listener
from tonio.net import socket


def tcp_pair():
    """A tonio socket and the standard library's at the other end."""
    with std.create_server(("127.0.0.1", 0)) as server:
        client = std.create_connection(server.getsockname())
        connection, _ = server.accept()
    return socket.from_stdlib_socket(connection), client


class Errors(Scenarios):
    def test_connection_refused(self):
        with std.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            with socket.socket() as sock:
                with self.assertRaises(ConnectionRefusedError):
                    yield sock.connect(unused.getsockname())
            with self.assertRaises(ConnectionRefusedError):
                yield socket.create_connection(unused.getsockname())

    def test_address_in_use(self):
        with std.create_server(("127.0.0.1", 0)) as server, socket.socket() as sock:
            with self.assertRaises(OSError) as caught:
                yield sock.bind(server.getsockname())
            self.assertEqual(caught.exception.errno, errno.EADDRINUSE)

    def test_not_connected(self):
        with socket.socket() as sock:
            with self.assertRaises(OSError) as caught:
                yield sock.recv(1)
            self.assertEqual(caught.exception.errno, errno.ENOTCONN)
            with self.assertRaises((BrokenPipeError, OSError)):
                yield sock.send(b"x")

    def test_too_many_open_files(self):
        with (yield listener()) as server:
            clients = [std.create_connection(server.getsockname()) for _ in range(2)]
            before = resource.getrlimit(resource.RLIMIT_NOFILE)
            with std.socket() as used:
                resource.setrlimit(resource.RLIMIT_NOFILE, (used.fileno() + 1, before[1]))
                try:
                    for open_one in server.accept, server.dup, socket.socket:
                        with self.assertRaises(OSError) as caught:
                            yield open_one()
                        self.assertEqual(caught.exception.errno, errno.EMFILE)
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, before)
            # The connections are still in line.
            for client in clients:
                connection, _ = yield server.accept()
                connection.close()
                client.close()

    def test_a_connection_that_is_reset_before_it_is_accepted(self):
        with (yield listener()) as server:
            client = std.create_connection(server.getsockname())
            client.setsockopt(std.SOL_SOCKET, std.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            with std.create_connection(server.getsockname()) as good:
                while True:
                    connection, address = yield server.accept()
                    connection.close()
                    if address == good.getsockname():
                        break

    def test_a_unix_listener_whose_backlog_is_full(self):
        name = b"\0tonio-test-%d" % os.getpid()
        with socket.socket(socket.AF_UNIX) as server:
            yield server.bind(name)
            server.listen(0)
            clients = [socket.socket(socket.AF_UNIX) for _ in range(10)]
            connecting = tonio.spawn(*[client.connect(name) for client in clients])
            yield tonio.sleep(0.005)
            for _ in clients:
                connection, _ = yield server.accept()
                connection.close()
            yield connecting
            for client in clients:
                client.close()

    def test_accepting_on_what_does_not_listen(self):
        with socket.socket() as sock:
            with self.assertRaises(OSError):
                yield sock.accept()

    def test_a_reset_by_the_peer(self):
        sock, peer = tcp_pair()
        with sock:
            receiving = tonio.spawn(sock.recv(1))
            yield tonio.sleep(0.001)
            peer.setsockopt(std.SOL_SOCKET, std.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            with self.assertRaises(ExceptionGroup) as caught:
                yield receiving
            self.assertIsInstance(caught.exception.exceptions[0], ConnectionResetError)

    def test_sending_to_who_has_gone(self):
        sock, peer = tcp_pair()
        with sock:
            peer.close()
            with self.assertRaises((BrokenPipeError, ConnectionResetError)):
                while True:
                    yield sock.sendall(b"x" * 10_000)

    def test_sendall_is_stopped_by_a_reset(self):
        sock, peer = tcp_pair()
        with sock:
            sending = tonio.spawn(sock.sendall(b"x" * 30_000_000))
            yield tonio.sleep(0.005)
            peer.close()
            with self.assertRaises(ExceptionGroup) as caught:
                yield sending
            self.assertIsInstance(caught.exception.exceptions[0], ConnectionError)

    def test_sendall_is_used_once(self):
        first, second = socket.socketpair()
        with first, second:
            sending = first.sendall(b"once")
            yield sending
            with self.assertRaisesRegex(RuntimeError, "call it again"):
                yield sending


class Closing(Scenarios):
    def check_closed(self, handle):
        with self.assertRaises(ExceptionGroup) as caught:
            yield handle
        for error in caught.exception.exceptions:
            self.assertIsInstance(error, OSError)
            self.assertEqual(error.errno, errno.EBADF)

    def test_wakes_who_receives(self):
        first, second = socket.socketpair()
        with second:
            handle = tonio.spawn(first.recv(1), first.recv_into(bytearray(1)))
            yield tonio.sleep(0.005)
            first.close()
            yield self.check_closed(handle)

    def test_wakes_who_sends(self):
        first, second = socket.socketpair()
        with second:
            handle = tonio.spawn(first.sendall(b"x" * 10_000_000))
            yield tonio.sleep(0.005)
            first.close()
            yield self.check_closed(handle)

    def test_wakes_who_accepts(self):
        sock = socket.socket()
        yield sock.bind(("127.0.0.1", 0))
        sock.listen()
        handle = tonio.spawn(sock.accept(), sock.accept())
        yield tonio.sleep(0.005)
        sock.close()
        yield self.check_closed(handle)

    def test_every_use_after_it_fails(self):
        first, second = socket.socketpair()
        with second:
            first.close()
            for use in (
                lambda: first.recv(1),
                lambda: first.recv_into(bytearray(1)),
                lambda: first.send(b"x"),
                lambda: first.sendall(b"x"),
                lambda: first.accept(),
                lambda: first.connect("/nowhere"),
            ):
                with self.assertRaises(OSError) as caught:
                    yield use()
                self.assertEqual(caught.exception.errno, errno.EBADF)

    def test_new_sockets_after_it_are_not_disturbed(self):
        for _ in range(100):
            first, second = socket.socketpair()
            handle = tonio.spawn(first.recv(1))
            yield
            first.close()
            third, fourth = socket.socketpair()
            receiving = tonio.spawn(third.recv(1), fourth.recv(1))
            yield third.send(b"f")
            yield fourth.send(b"t")
            self.assertEqual((yield receiving), [b"t", b"f"])
            yield self.check_closed(handle)
            for sock in (second, third, fourth):
                sock.close()


class ManyWaiters(Scenarios):
    def test_each_datum_goes_to_one(self):
        first, second = socket.socketpair()
        with first, second:
            handle = tonio.spawn(*[second.recv(1) for _ in range(50)])
            yield tonio.sleep(0.002)
            for number in range(50):
                yield first.send(bytes([number]))
            self.assertEqual(sorted((yield handle)), [bytes([number]) for number in range(50)])

    def test_the_end_goes_to_all(self):
        first, second = socket.socketpair()
        with second:
            handle = tonio.spawn(*[second.recv(1) for _ in range(50)])
            yield tonio.sleep(0.002)
            first.close()
            self.assertEqual((yield handle), [b""] * 50)

    def test_connections_go_to_one_acceptor_each(self):
        with socket.socket() as server:
            yield server.bind(("127.0.0.1", 0))
            server.listen()
            handle = tonio.spawn(*[server.accept() for _ in range(20)])
            clients = []
            for _ in range(20):
                client = socket.socket()
                yield client.connect(server.getsockname())
                clients.append(client)
            accepted = yield handle
            self.assertEqual(
                {address for _, address in accepted},
                {client.getsockname() for client in clients},
            )
            for sock in clients + [connection for connection, _ in accepted]:
                sock.close()

    def test_receiving_and_sending_at_once(self):
        first, second = socket.socketpair()
        with first, second:
            sending = tonio.spawn(first.sendall(b"x" * 5_000_000))
            receiving = tonio.spawn(first.recv(10))
            yield tonio.sleep(0.002)
            yield second.send(b"reply")
            self.assertEqual((yield receiving), b"reply")
            left = 5_000_000
            while left:
                left -= len((yield second.recv(1_000_000)))
            yield sending


if __name__ == "__main__":
    main()
