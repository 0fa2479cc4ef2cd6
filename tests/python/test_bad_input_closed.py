"""What was closed says so, in every method, and closing again does nothing."""

import errno
import os
import subprocess

import tonio
from scenarios import Scenarios, main
from tls_servers import client_context
from tonio import fs, io, net
from tonio.net import socket, tls
from tonio.sync import channel


class Closed(Scenarios):
    options = {"threads": 2}

    def refuse(self, error, *attempts, code=None):
        """Each of the functions raises `error`, at once or when it is waited for."""
        for number, attempt in enumerate(attempts):
            with self.subTest(number):
                with self.assertRaises(error) as raised:
                    made = attempt()
                    if made is not None:
                        yield made
                if code is not None:
                    self.assertEqual(raised.exception.errno, code)

    def test_sockets(self):
        for close in "close", "detach":
            first, second = socket.socketpair()
            fd = getattr(first, close)()
            for _ in range(2):
                first.close()
            self.assertEqual(first.fileno(), -1)
            yield self.refuse(
                OSError,
                lambda: first.recv(1),
                lambda: first.recv_into(bytearray(1)),
                lambda: first.recvfrom(1),
                lambda: first.recvmsg(1),
                lambda: first.send(b"x"),
                lambda: first.sendall(b"x"),
                lambda: first.sendmsg([b"x"]),
                lambda: first.accept(),
                lambda: first.listen(1),
                lambda: first.getsockname(),
                lambda: first.setsockopt(1, 2, 3),
                lambda: first.bind("x"),
                lambda: first.connect("x"),
                lambda: first.dup(),
                code=errno.EBADF,
            )
            second.close()
            if fd is not None:
                os.close(fd)

    def test_streams_and_listeners(self):
        first, second = socket.socketpair()
        stream = net.SocketStream(first)
        listener = net.SocketListener(socket.socket())
        for thing in stream, listener:
            thing.close()
            thing.close()
        yield self.refuse(
            OSError,
            lambda: stream.receive_some(),
            lambda: stream.send_all(b"x"),
            lambda: stream.send_eof(),
            lambda: listener.accept(),
            code=errno.EBADF,
        )
        second.close()

    def test_tls_streams(self):
        first, second = socket.socketpair()
        stream = tls.TLSStream(
            net.SocketStream(first), client_context(), server_hostname="localhost"
        )
        second.close()
        for _ in range(2):
            yield stream.close()
        yield self.refuse(
            OSError,
            lambda: stream.handshake(),
            lambda: stream.receive_some(),
            lambda: stream.send_all(b"x"),
        )

    def test_channels(self):
        for make in channel.unbounded, lambda: channel.channel(1):
            sender, receiver = make()
            for _ in range(2):
                sender.close()
                receiver.close()
            yield self.refuse(BrokenPipeError, lambda: sender.send(1), lambda: receiver.receive())

    def test_files(self):
        file = yield fs.open(os.devnull, "r+b")
        for _ in range(2):
            yield file.close()
        yield self.refuse(
            ValueError,
            lambda: file.read(),
            lambda: file.write(b"x"),
            lambda: file.flush(),
            lambda: file.seek(0),
            lambda: file.fileno(),
        )

    def test_registrations(self):
        first, second = socket.socketpair()
        registration = io.register(first.fileno())
        for _ in range(2):
            registration.close()
        self.assertTrue(registration.closed)
        yield self.refuse(
            OSError, lambda: registration.arm_r(1), lambda: registration.arm_w(1), code=errno.EBADF
        )
        first.close()
        second.close()

    def test_processes(self):
        process = yield tonio.open_process(
            ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2):
            process.close_streams()
            yield process.end()
        # Nobody else has the number, for all one knows.
        process.kill()
        process.terminate()
        self.assertIsNotNone((yield process.wait()))
        yield self.refuse(
            OSError,
            lambda: process.stdin.send_all(b"x"),
            lambda: process.stdout.receive_some(),
            code=errno.EBADF,
        )


if __name__ == "__main__":
    main()
