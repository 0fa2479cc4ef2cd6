"""Servers: serve_listeners, serve_tcp, serve_unix."""

import contextlib
import errno
import io
import os
import resource
import socket as std
import struct
import sys
import tempfile
import threading

import tonio
from scenarios import Scenarios, main
from tonio import net
from tonio.net import socket
from tonio.sync import channel


@contextlib.contextmanager
def standard_error():
    """What is written to standard error meanwhile."""
    stream, sys.stderr = sys.stderr, io.StringIO()
    try:
        yield sys.stderr
    finally:
        sys.stderr = stream


class Serving(Scenarios):
    def listen(self):
        """Yield it: one listener and its address."""
        (listener,) = yield net.open_tcp_listeners(0, host="127.0.0.1")
        return listener, listener.socket.getsockname()

    def echo(self):
        @self.task
        def echo(stream):
            while data := (yield stream.receive_some()):
                yield stream.send_all(data)

        return echo

    def exchange(self, address, message):
        with (yield net.open_tcp_stream(*address)) as stream:
            yield stream.send_all(message)
            stream.send_eof()
            received = b""
            while data := (yield stream.receive_some()):
                received += data
        self.assertEqual(received, message)

    def test_many_clients(self):
        listener, address = yield self.listen()

        def clients(scope):
            scope.spawn(net.serve_listeners(self.echo(), [listener]))
            exchange = self.task(self.exchange)
            yield tonio.spawn(*[exchange(address, b"%d" % number) for number in range(100)])
            scope.cancel()

        yield self.scoped(clients)
        self.assertEqual(listener.socket.fileno(), -1)

    def test_several_listeners(self):
        listeners = []
        for _ in range(3):
            listeners += yield net.open_tcp_listeners(0, host="127.0.0.1")
        addresses = [listener.socket.getsockname() for listener in listeners]

        def clients(scope):
            scope.spawn(net.serve_listeners(self.echo(), listeners))
            for address in addresses:
                yield self.exchange(address, b"hello")
            scope.cancel()

        yield self.scoped(clients)
        self.assertEqual([listener.socket.fileno() for listener in listeners], [-1, -1, -1])

    def test_cancelling_the_server_cancels_its_handlers(self):
        listener, address = yield self.listen()
        begun, ended = tonio.Event(), []

        @self.task
        def handler(stream):
            try:
                begun.set()
                yield tonio.Event().wait()
            finally:
                yield tonio.sleep(0.001)
                ended.append(stream)

        def clients(scope):
            scope.spawn(net.serve_listeners(handler, [listener]))
            with (yield net.open_tcp_stream(*address)):
                yield begun.wait()
                scope.cancel()

        yield self.scoped(clients)
        # It has waited for the handler's cleaning up.
        self.assertEqual(len(ended), 1)
        self.assertEqual(ended[0].socket.fileno(), -1)
        with self.assertRaises(ConnectionRefusedError):
            yield net.open_tcp_stream(*address)

    def test_a_thousand_handlers_are_cancelled_at_once(self):
        # Fewer where descriptors are short: each connection has two here.
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        number = min(1000, soft // 2 - 50)
        listener, address = yield self.listen()
        begun, ended = channel.unbounded(), []

        @self.task
        def handler(stream):
            try:
                begun[0].send(None)
                yield stream.receive_some()
            finally:
                yield tonio.sleep(0)
                ended.append(stream)

        def clients(scope):
            scope.spawn(net.serve_listeners(handler, [listener]))
            opened = []
            for _ in range(number):
                opened.append((yield net.open_tcp_stream(*address)))
            for _ in range(number):
                yield begun[1].receive()
            scope.cancel()
            return opened

        opened = []

        def body(scope):
            opened.extend((yield clients(scope)))

        yield self.scoped(body)
        self.assertEqual(len(ended), number)
        for stream in opened:
            self.assertEqual((yield stream.receive_some()), b"")
            stream.close()

    def test_a_failing_handler_is_reported_and_the_server_goes_on(self):
        listener, address = yield self.listen()

        @self.task
        def handler(stream):
            data = yield stream.receive_some()
            if data == b"fail":
                raise ValueError("the handler's own")
            yield stream.send_all(data)

        def clients(scope):
            scope.spawn(net.serve_listeners(handler, [listener]))
            with (yield net.open_tcp_stream(*address)) as stream:
                yield stream.send_all(b"fail")
                self.assertEqual((yield stream.receive_some()), b"")
            yield self.exchange(address, b"good")
            scope.cancel()

        with standard_error() as text:
            yield self.scoped(clients)
        self.assertIn("server's handler failed", text.getvalue())
        self.assertIn("ValueError: the handler's own", text.getvalue())

    def test_a_handler_that_is_no_coroutine_is_reported(self):
        listener, address = yield self.listen()

        def clients(scope):
            scope.spawn(net.serve_listeners(lambda stream: None, [listener]))
            with (yield net.open_tcp_stream(*address)) as stream:
                self.assertEqual((yield stream.receive_some()), b"")
            scope.cancel()

        with standard_error() as text:
            yield self.scoped(clients)
        self.assertIn("must be a generator or async function", text.getvalue())

    def test_the_stream_is_closed_when_the_handler_ends(self):
        listener, address = yield self.listen()

        @self.task
        def handler(stream):
            yield stream.send_all(b"bye")

        def clients(scope):
            scope.spawn(net.serve_listeners(handler, [listener]))
            with (yield net.open_tcp_stream(*address)) as stream:
                self.assertEqual((yield stream.receive_some()), b"bye")
                self.assertEqual((yield stream.receive_some()), b"")
            scope.cancel()

        yield self.scoped(clients)

    def test_closing_the_listeners_lets_the_handlers_end(self):
        listeners = []
        for _ in range(2):
            listeners += yield net.open_tcp_listeners(0, host="127.0.0.1")
        addresses = [listener.socket.getsockname() for listener in listeners]
        serving = tonio.spawn(net.serve_listeners(self.echo(), listeners))
        with (yield net.open_tcp_stream(*addresses[0])) as stream:
            yield stream.send_all(b"one")
            self.assertEqual((yield stream.receive_some()), b"one")
            listeners[0].close()
            with self.assertRaises(ConnectionRefusedError):
                yield net.open_tcp_stream(*addresses[0])
            # The other listener goes on, and so does the connection.
            yield self.exchange(addresses[1], b"hello")
            listeners[1].close()
            yield stream.send_all(b"two")
            self.assertEqual((yield stream.receive_some()), b"two")
        self.assertIsNone((yield serving))

    def test_a_listener_that_fails_ends_the_server(self):
        listener, address = yield self.listen()
        serving = tonio.spawn(net.serve_listeners(self.echo(), [listener]))
        yield self.exchange(address, b"one")
        listener.socket.shutdown(socket.SHUT_RD)  # it listens no more
        with self.assertRaises(ExceptionGroup) as caught:
            yield serving
        self.assertEqual(caught.exception.exceptions[0].errno, errno.EINVAL)
        self.assertEqual(listener.socket.fileno(), -1)

    def test_clients_that_reset_before_they_are_accepted(self):
        listener, address = yield self.listen()
        for _ in range(20):
            client = std.create_connection(address)
            client.setsockopt(std.SOL_SOCKET, std.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

        @self.task
        def echo(stream):
            try:
                yield self.echo()(stream)
            except ConnectionError:
                pass

        def clients(scope):
            scope.spawn(net.serve_listeners(echo, [listener]))
            yield self.exchange(address, b"good")
            scope.cancel()

        yield self.scoped(clients)

    def test_serve_tcp(self):
        def clients(scope):
            with std.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            scope.spawn(net.serve_tcp(self.echo(), port, host="127.0.0.1"))
            while True:
                try:
                    yield self.exchange(("127.0.0.1", port), b"hello")
                    break
                except ConnectionRefusedError:
                    yield
            scope.cancel()

        yield self.scoped(clients)

    def test_serve_unix(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            path = os.path.join(folder, "socket")
            listener = yield net.open_unix_listener(path, mode=0o600)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

            def clients(scope):
                scope.spawn(net.serve_listeners(self.echo(), [listener]))
                with (yield net.open_unix_socket(path)) as stream:
                    yield stream.send_all(b"hello")
                    self.assertEqual((yield stream.receive_some()), b"hello")
                # Somebody listens there.
                with self.assertRaises(OSError) as caught:
                    yield net.serve_unix(self.echo(), path)
                self.assertEqual(caught.exception.errno, errno.EADDRINUSE)
                scope.cancel()

            yield self.scoped(clients)
            # What has been left there makes way.
            (yield net.open_unix_listener(path)).close()

    def test_what_they_take(self):
        with self.assertRaisesRegex(ValueError, "at least one listener"):
            yield net.serve_listeners(self.echo(), [])
        listener, _ = yield self.listen()
        with self.assertRaisesRegex(TypeError, "must be a function, not int"):
            yield net.serve_listeners(5, [listener])
        self.assertEqual(listener.socket.fileno(), -1)
        listener, _ = yield self.listen()
        with self.assertRaisesRegex(TypeError, r"must have accept\(\), int has not"):
            yield net.serve_listeners(self.echo(), [listener, 5])
        self.assertEqual(listener.socket.fileno(), -1)


class Shortage(Scenarios):
    def test_of_descriptors_is_waited_out(self):
        (listener,) = yield net.open_tcp_listeners(0, host="127.0.0.1")
        address = listener.socket.getsockname()
        # Connected, in line, and not accepted.
        clients = [std.create_connection(address) for _ in range(5)]
        served = threading.Semaphore(0)

        @self.task
        def handler(stream):
            served.release()
            yield stream.send_all(b"served")

        def body(scope):
            before = resource.getrlimit(resource.RLIMIT_NOFILE)
            # No descriptor is free at first.
            used = std.socket()
            resource.setrlimit(resource.RLIMIT_NOFILE, (used.fileno() + 1, before[1]))
            try:
                with self.assertRaises(OSError):
                    std.socket()
                scope.spawn(net.serve_listeners(handler, [listener]))
                yield tonio.sleep(0.05)
                self.assertFalse(served.acquire(blocking=False))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            for client in clients:
                data = yield tonio.spawn_blocking(client.recv, 10)
                self.assertEqual(data, b"served")
            used.close()
            scope.cancel()

        yield self.scoped(body)
        for client in clients:
            client.close()


if __name__ == "__main__":
    main()
