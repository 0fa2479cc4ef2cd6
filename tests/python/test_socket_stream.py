"""tonio.net.SocketStream and SocketListener."""

import errno
import struct
import unittest

import tonio
from scenarios import Scenarios, main, until_suspended
from tonio.exceptions import ResourceBusy
from tonio.net import SocketListener, SocketStream, open_tcp_listeners, open_tcp_stream, socket


def stream_pair():
    first, second = socket.socketpair()
    return SocketStream(first), SocketStream(second)


def tcp_streams():
    """Yield it: both ends of a TCP connection."""
    (listener,) = yield open_tcp_listeners(0, host="127.0.0.1")
    with listener:
        accepting = tonio.spawn(listener.accept())
        client = yield open_tcp_stream(*listener.socket.getsockname())
        server = yield accepting
    return client, server


def receive_all(stream):
    received = bytearray()
    while data := (yield stream.receive_some()):
        received += data
    return bytes(received)


class Stream(Scenarios):
    def test_there_and_back(self):
        client, server = yield tcp_streams()
        with client, server:
            self.assertIsNone((yield client.send_all(b"ping")))
            self.assertEqual((yield server.receive_some()), b"ping")
            yield server.send_all(bytearray(b"pong"))
            self.assertEqual((yield client.receive_some(2)), b"po")
            self.assertEqual((yield client.receive_some(max_bytes=2)), b"ng")

    def test_text_is_sent_as_utf_8(self):
        first, second = stream_pair()
        with first, second:
            yield first.send_all("grüße")
            self.assertEqual((yield second.receive_some()).decode(), "grüße")

    def test_end_of_one_side(self):
        client, server = yield tcp_streams()
        with client, server:
            yield client.send_all(b"last words")
            self.assertIsNone(client.send_eof())
            self.assertEqual((yield receive_all(server)), b"last words")
            self.assertEqual((yield server.receive_some()), b"")
            yield server.send_all(b"answer")
            self.assertEqual((yield client.receive_some()), b"answer")
            with self.assertRaises(BrokenPipeError):
                yield client.send_all(b"more")

    def test_much_data_with_back_pressure(self):
        client, server = yield tcp_streams()
        data = bytes(range(256)) * (100 * 1024 * 1024 // 256)
        with client, server:
            sending = tonio.spawn(client.send_all(data))
            # The buffers fill up, and the sender waits for the reader.
            yield tonio.sleep(0.05)
            received = bytearray()
            while len(received) < len(data):
                received += yield server.receive_some()
            yield sending
            self.assertTrue(received == data)

    def test_a_second_receiver_is_refused(self):
        first, second = stream_pair()
        with first, second:
            receiving = tonio.spawn(first.receive_some())
            yield from until_suspended("SocketReceive")
            with self.assertRaisesRegex(ResourceBusy, "another task is already receiving"):
                yield first.receive_some()
            yield second.send_all(b"x")
            self.assertEqual((yield receiving), b"x")
            # And the stream is free again.
            yield second.send_all(b"y")
            self.assertEqual((yield first.receive_some()), b"y")

    def test_a_second_sender_is_refused(self):
        first, second = stream_pair()
        with first, second:
            data = b"x" * 5_000_000
            sending = tonio.spawn(first.send_all(data))
            yield from until_suspended("SocketSend")
            with self.assertRaisesRegex(ResourceBusy, "another task is already sending"):
                yield first.send_all(b"y")
            received = 0
            while received < len(data):
                received += len((yield second.receive_some()))
            yield sending
            yield first.send_all(b"y")
            self.assertEqual((yield second.receive_some()), b"y")

    def test_receiving_and_sending_at_once(self):
        first, second = stream_pair()
        with first, second:
            receiving = tonio.spawn(first.receive_some())
            yield first.send_all(b"there")
            self.assertEqual((yield second.receive_some()), b"there")
            yield second.send_all(b"back")
            self.assertEqual((yield receiving), b"back")

    def test_a_cancelled_receiver_makes_way(self):
        first, second = stream_pair()
        with first, second:
            for _ in range(10):
                result = yield tonio.time.timeout(first.receive_some(), 0.001)
                self.assertEqual(result, (None, False))
            yield second.send_all(b"x")
            self.assertEqual((yield first.receive_some()), b"x")

    def test_a_cancelled_sender_makes_way(self):
        first, second = stream_pair()
        with first, second:
            result = yield tonio.time.timeout(first.send_all(b"x" * 5_000_000), 0.01)
            self.assertEqual(result, (None, False))
            sending = tonio.spawn(first.send_all(b"end"))
            received = b""
            while not received.endswith(b"end"):
                received = received[-3:] + (yield second.receive_some())
            yield sending

    def test_closing_wakes_the_receiver(self):
        first, second = stream_pair()
        with second:
            receiving = tonio.spawn(first.receive_some())
            yield tonio.sleep(0.001)
            first.close()
            with self.assertRaises(ExceptionGroup) as caught:
                yield receiving
            self.assertEqual(caught.exception.exceptions[0].errno, errno.EBADF)
            with self.assertRaises(OSError):
                yield first.send_all(b"x")

    def test_a_reset(self):
        client, server = yield tcp_streams()
        with server:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            with self.assertRaises(ConnectionResetError):
                yield server.receive_some()

    def test_send_all_is_used_once(self):
        first, second = stream_pair()
        with first, second:
            sending = first.send_all(b"x")
            yield sending
            with self.assertRaisesRegex(RuntimeError, "call it again"):
                yield sending
            # Nobody is sending now.
            yield first.send_all(b"y")


class Objects(unittest.TestCase):
    def test_what_they_take(self):
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            for kind in SocketStream, SocketListener:
                with self.assertRaisesRegex(ValueError, "SOCK_STREAM"):
                    kind(datagrams)
                with self.assertRaisesRegex(TypeError, "tonio.net.socket.socket, not int"):
                    kind(5)

    def test_no_delay(self):
        with SocketStream(socket.socket()) as stream:
            self.assertTrue(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def test_bad_arguments(self):
        first, second = stream_pair()
        with first, second:
            for use in (
                lambda: first.receive_some(0),
                lambda: first.receive_some(-1),
                lambda: first.receive_some("1"),
                lambda: first.receive_some(1, 2),
                lambda: first.receive_some(size=1),
                lambda: first.send_all(5),
                lambda: first.send_all(),
            ):
                with self.assertRaises((TypeError, ValueError)):
                    use()

    def test_repr(self):
        first, second = stream_pair()
        with first, second:
            self.assertRegex(repr(first), r"^<tonio\.net\.SocketStream <tonio\.net\.socket")


if __name__ == "__main__":
    main()
