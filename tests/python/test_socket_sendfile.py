"""socket.sendfile."""

import errno
import io
import os
import tempfile

import tonio
from scenarios import Scenarios, main
from test_socket_tcp import connected_pair, receive_exactly
from tonio.net import socket

DATA = os.urandom(5_000_000)


class SendFile(Scenarios):
    def setUp(self):
        self.file = tempfile.TemporaryFile()
        self.addCleanup(self.file.close)
        self.file.write(DATA)
        self.file.seek(0)

    def sent(self, expected, *arguments, file=None):
        """Yield it: sendfile() with the arguments sends what is expected."""
        client, server = yield connected_pair()
        with client, server:
            receiving = tonio.spawn(receive_exactly(server, len(expected)))
            size = yield client.sendfile(file or self.file, *arguments)
            self.assertEqual(size, len(expected))
            self.assertTrue((yield receiving) == expected)

    def test_a_whole_file(self):
        yield self.sent(DATA)
        self.assertEqual(self.file.tell(), len(DATA))

    def test_a_part(self):
        yield self.sent(DATA[1000:], 1000)
        yield self.sent(DATA[1000:3000], 1000, 2000)
        self.assertEqual(self.file.tell(), 3000)
        yield self.sent(DATA[-10:], len(DATA) - 10, 5000)
        yield self.sent(b"", len(DATA) + 10)

    def test_what_is_no_file(self):
        yield self.sent(DATA, file=io.BytesIO(DATA))
        yield self.sent(DATA[1000:3000], 1000, 2000, file=io.BytesIO(DATA))

    def test_a_pipe(self):
        read, write = os.pipe()
        os.write(write, b"through a pipe")
        os.close(write)
        with open(read, "rb", 0) as pipe:
            yield self.sent(b"through a pipe", file=_Unseekable(pipe))

    def test_a_peer_that_goes(self):
        client, server = yield connected_pair()
        with client:
            sending = tonio.spawn(client.sendfile(self.file))
            yield tonio.sleep(0.001)
            server.close()
            with self.assertRaises(ExceptionGroup) as caught:
                yield sending
            self.assertIsInstance(caught.exception.exceptions[0], ConnectionError)

    def test_cancelled(self):
        client, server = yield connected_pair()
        with client, server:
            result = yield tonio.time.timeout(client.sendfile(self.file), 0.02)
            self.assertEqual(result, (None, False))
            # As many as the position says are on their way.
            sent = self.file.tell()
            client.close()
            self.assertTrue((yield receive_exactly(server, sent + 1)) == DATA[:sent])

    def test_bad_arguments(self):
        first, second = socket.socketpair()
        with first, second, open(os.devnull, encoding="ascii") as text:
            for error, use in [
                (ValueError, lambda: first.sendfile(text)),
                (ValueError, lambda: first.sendfile(self.file, 0, 0)),
                (TypeError, lambda: first.sendfile(self.file, 0, 1.5)),
                (ValueError, lambda: first.sendfile(self.file, -1)),
            ]:
                with self.assertRaises(error):
                    yield use()
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            with self.assertRaisesRegex(ValueError, "SOCK_STREAM"):
                yield datagrams.sendfile(self.file)
        with self.assertRaises(OSError) as caught:
            yield first.sendfile(self.file)
        self.assertEqual(caught.exception.errno, errno.EBADF)


class _Unseekable:
    def __init__(self, file):
        self.read, self.fileno = file.read, file.fileno


if __name__ == "__main__":
    main()
