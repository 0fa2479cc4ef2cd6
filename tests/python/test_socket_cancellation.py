"""Cancelling each operation of a socket: at once, without a trace, and with no datum lost."""

import os
import tempfile

import tonio
from scenarios import Scenarios, main
from test_socket_tcp import connected_pair, listener, receive_exactly
from tonio import net
from tonio.net import socket

MUCH = b"x" * 20_000_000


class Cancelled(Scenarios):
    def cancelled(self, operation):
        """Yield it: the operation waits, is cancelled, and ends."""
        self.assertEqual((yield tonio.time.timeout(operation, 0.003)), (None, False))

    def test_receiving(self):
        first, second = socket.socketpair()
        with first, second:
            for receive in (
                lambda: first.recv(10),
                lambda: first.recv_into(bytearray(10)),
                lambda: first.recvfrom(10),
                lambda: first.recvfrom_into(bytearray(10)),
                lambda: first.recvmsg(10),
                lambda: first.recvmsg_into([bytearray(10)]),
                lambda: first.recv(10, socket.MSG_WAITALL),
                lambda: socket.recv_fds(first, 10, 1),
            ):
                yield self.cancelled(receive())
            yield second.send(b"whole")
            self.assertEqual((yield first.recv(10)), b"whole")

    def test_sending(self):
        first, second = socket.socketpair()
        with first, second:
            yield self.cancelled(first.sendall(MUCH))
            # The buffers are full now.
            yield self.cancelled(first.send(b"x"))
            yield self.cancelled(first.sendmsg([b"x"]))
            yield self.cancelled(socket.send_fds(first, [b"x"], [0]))
            with tempfile.TemporaryFile() as file:
                file.write(MUCH)
                yield self.cancelled(first.sendfile(file))
            sending = tonio.spawn(first.sendall(b"the end"))
            received = b""
            while not received.endswith(b"the end"):
                received = received[-10:] + (yield second.recv(1 << 20))
            yield sending

    def test_sending_datagrams(self):
        first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder, first, second:
            path = os.path.join(folder, "socket")
            with (
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver,
            ):
                yield receiver.bind(path)
                while (yield tonio.time.timeout(sender.sendto(b"x", path), 0.003))[1]:
                    pass
                yield self.cancelled(sender.sendto(b"x", path))
                self.assertEqual((yield receiver.recv(10)), b"x")
                self.assertEqual((yield sender.sendto(b"y", path)), 1)

    def test_accepting(self):
        with (yield listener()) as server:
            yield self.cancelled(server.accept())
            yield self.cancelled(net.SocketListener(server).accept())
            with socket.socket() as client:
                yield client.connect(server.getsockname())
                connection, _ = yield server.accept()
                connection.close()

    def test_connecting(self):
        # A backlog that is full lets no further connection be made.
        with socket.socket() as server:
            yield server.bind(("127.0.0.1", 0))
            server.listen(0)
            clients = []
            for _ in range(10):
                client = socket.socket()
                clients.append(client)
                connecting = client.connect(server.getsockname())
                if not (yield tonio.time.timeout(connecting, 0.05))[1]:
                    break
            else:
                self.skipTest("this system's backlog does not fill up")
            host, port = server.getsockname()
            yield self.cancelled(socket.create_connection((host, port)))
            yield self.cancelled(net.open_tcp_stream(host, port))
            with self.assertRaises(TimeoutError):
                yield socket.create_connection((host, port), 0.003)
            for client in clients:
                client.close()

    def test_one_of_many_receivers(self):
        client, server = yield connected_pair()
        with client, server:
            received = []

            @self.task
            def receive():
                received.append((yield server.recv(1)))

            others = tonio.spawn(*[receive() for _ in range(3)])
            yield self.scoped(lambda scope: self.some_receive(scope, receive))
            yield client.sendall(b"abc")
            yield others
            self.assertEqual(sorted(received), [b"a", b"b", b"c"])

    def some_receive(self, scope, receive):
        for _ in range(3):
            scope.spawn(receive())
        yield tonio.sleep(0.002)
        scope.cancel()

    def test_data_that_comes_with_the_cancellation_is_not_lost(self):
        first, second = socket.socketpair()
        with first, second:
            received = bytearray()

            @self.task
            def receive():
                while True:
                    received.extend((yield first.recv(1)))

            def body(scope):
                scope.spawn(receive())
                yield second.send(b"%d" % (number % 10))
                scope.cancel()

            for number in range(500):
                yield self.scoped(body)
            left = 500 - len(received)
            received += yield receive_exactly(first, left)
            self.assertEqual(received, b"0123456789" * 50)


if __name__ == "__main__":
    main()
