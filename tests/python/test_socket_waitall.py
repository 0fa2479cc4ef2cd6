"""recv with MSG_WAITALL."""

import tonio
from scenarios import Scenarios, main
from test_socket_tcp import connected_pair
from tonio.net import socket


class WaitAll(Scenarios):
    def in_parts(self, receive, expected):
        """Yield it: what receive(socket) gives when six bytes come in three parts."""
        client, server = yield connected_pair()
        with client, server:
            receiving = tonio.spawn(receive(server))
            for part in b"ab", b"cd", b"efgh":
                yield tonio.sleep(0.001)
                yield client.send(part)
            self.assertEqual((yield receiving), expected)
            # What comes after is left.
            self.assertEqual((yield server.recv(10)), b"gh")

    def test_waits_for_all(self):
        yield self.in_parts(lambda sock: sock.recv(6, socket.MSG_WAITALL), b"abcdef")
        yield self.in_parts(lambda sock: sock.recvfrom(6, socket.MSG_WAITALL), (b"abcdef", None))

    def test_into_a_buffer(self):
        buffer = bytearray(6)
        yield self.in_parts(lambda sock: sock.recv_into(buffer, 0, socket.MSG_WAITALL), 6)
        self.assertEqual(buffer, b"abcdef")
        yield self.in_parts(lambda sock: sock.recv_into(buffer, flags=socket.MSG_WAITALL), 6)
        yield self.in_parts(
            lambda sock: sock.recvfrom_into(buffer, flags=socket.MSG_WAITALL), (6, None)
        )

    def test_the_end_comes_first(self):
        client, server = yield connected_pair()
        with server:
            receiving = tonio.spawn(server.recv(1000, socket.MSG_WAITALL))
            yield client.send(b"not much")
            yield tonio.sleep(0.001)
            client.close()
            self.assertEqual((yield receiving), b"not much")
            self.assertEqual((yield server.recv(10, socket.MSG_WAITALL)), b"")

    def test_much(self):
        client, server = yield connected_pair()
        data = bytes(range(256)) * 40_000
        with client, server:
            sending = tonio.spawn(client.sendall(data))
            received = yield server.recv(len(data), socket.MSG_WAITALL)
            yield sending
            self.assertTrue(received == data)

    def test_peeking_takes_what_is_there(self):
        client, server = yield connected_pair()
        with client, server:
            yield client.send(b"abc")
            flags = socket.MSG_WAITALL | socket.MSG_PEEK
            self.assertEqual((yield server.recv(10, flags)), b"abc")
            self.assertEqual((yield server.recv(3, socket.MSG_WAITALL)), b"abc")

    def test_datagrams(self):
        first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with first, second:
            yield first.send(b"one")
            self.assertEqual((yield second.recv(10, socket.MSG_WAITALL)), b"one")

    def test_is_awaited_once(self):
        first, second = socket.socketpair()
        with first, second:
            yield first.send(b"ab")
            receiving = second.recv(2, socket.MSG_WAITALL)
            self.assertEqual((yield receiving), b"ab")
            with self.assertRaisesRegex(RuntimeError, "call it again"):
                yield receiving

    def test_cancelled(self):
        first, second = socket.socketpair()
        with first, second:
            result = yield tonio.time.timeout(second.recv(10, socket.MSG_WAITALL), 0.005)
            self.assertEqual(result, (None, False))
            yield first.send(b"later")
            self.assertEqual((yield second.recv(10)), b"later")


if __name__ == "__main__":
    main()
