"""serve_tls_over_tcp and its kin: bad clients, time limits, and what is reported."""

import contextlib
import io
import logging
import os
import re
import sys

import tonio
from scenarios import Scenarios, main
from tls_servers import HOST, Serving, client_context, echo, server_context
from tls_streams import std_server_context
from tonio import net
from tonio.exceptions import ResourceBroken
from tonio.net import tls


class LogOfTLS(logging.Handler):
    """What tonio.net.tls logs for the time of the block."""

    def __enter__(self):
        self.messages = []
        self.more = tonio.Event()
        self.logger = logging.getLogger("tonio.net.tls")
        self.logger.addHandler(self)
        self.logger.setLevel(logging.INFO)
        return self

    def __exit__(self, *_):
        self.logger.removeHandler(self)
        self.logger.setLevel(logging.NOTSET)

    def emit(self, record):
        self.messages.append(record.getMessage())
        self.more.set()

    def wait_for(self, pattern):
        """Yield it: until a message matches."""
        while not any(re.search(pattern, message) for message in self.messages):
            yield self.more.wait()
            self.more.clear()


class ServingTLS(Scenarios):
    def exchange(self, port, data=b"hello"):
        stream = yield tls.open_tls_over_tcp_stream(
            HOST, port, ssl_context=client_context()
        )
        yield stream.send_all(data)
        got = b""
        while len(got) < len(data):
            got += yield stream.receive_some()
        self.assertEqual(got, data)
        yield stream.close()

    def serving(self, body, handler=echo, context=None, **options):
        async def served():
            async with Serving(context or server_context(), handler, **options) as port:
                await tonio.spawn(self.task(body)(port))

        return served()

    def test_silent_and_garbage_clients_delay_nobody(self):
        def body(port):
            silent = yield net.open_tcp_stream(HOST, port)
            slow = yield net.open_tcp_stream(HOST, port)
            # The beginning of a handshake record, and never more.
            yield slow.send_all(b"\x16\x03\x01\x02\x00\x01")
            garbage = yield net.open_tcp_stream(HOST, port)
            yield garbage.send_all(os.urandom(5000))
            gone = yield net.open_tcp_stream(HOST, port)
            gone.close()
            # Longer than any time limit of this test, were it one behind the other.
            _, done = yield tonio.time.timeout(self.task(self.exchange)(port), 20)
            self.assertTrue(done)
            for stream in silent, slow, garbage:
                stream.close()

        yield self.serving(body, handshake_timeout=60)

    def test_failed_handshakes_are_logged(self):
        def body(port):
            garbage = yield net.open_tcp_stream(HOST, port)
            yield garbage.send_all(b"GET / HTTP/1.1\r\n\r\n")
            while (yield garbage.receive_some()):
                pass
            garbage.close()
            yield log.wait_for(
                r"TLS handshake with \('127.0.0.1', \d+\) failed: what the peer sent is not TLS"
            )
            silent = yield net.open_tcp_stream(HOST, port)
            # The server gives up.
            self.assertEqual((yield silent.receive_some()), b"")
            silent.close()

            yield log.wait_for("failed: the TLS handshake was not finished within 0.2 s")

        errors = io.StringIO()
        with LogOfTLS() as log, contextlib.redirect_stderr(errors):
            yield self.serving(body, handshake_timeout=0.2)
        self.assertEqual(errors.getvalue(), "")

    def test_many_clients_at_once(self):
        def body(port):
            exchange = self.task(self.exchange)
            yield tonio.spawn(*[exchange(port, os.urandom(20_000)) for _ in range(50)])

        yield self.serving(body)

    def test_a_failing_handler_is_reported(self):
        async def fails(stream):
            await stream.receive_some()
            raise ZeroDivisionError("on purpose")

        def body(port):
            stream = yield tls.open_tls_over_tcp_stream(
                HOST, port, ssl_context=client_context()
            )
            yield stream.send_all(b"x")
            # Its end is orderly, all the same.
            self.assertEqual((yield stream.receive_some()), b"")
            yield stream.close()

        stream, sys.stderr = sys.stderr, io.StringIO()
        try:
            yield self.serving(body, fails)
            self.assertIn("ZeroDivisionError: on purpose", sys.stderr.getvalue())
        finally:
            sys.stderr = stream

    def test_plain_handlers(self):
        def shout(stream):
            while data := (yield stream.receive_some()):
                yield stream.send_all(data.upper())

        def body(port):
            stream = yield tls.open_tls_over_tcp_stream(
                HOST, port, ssl_context=client_context()
            )
            yield stream.send_all(b"hello")
            self.assertEqual((yield stream.receive_some()), b"HELLO")
            yield stream.close()

        yield self.serving(body, shout)

    def test_handlers_streams_end_orderly(self):
        # Whoever made the listeners: an end that can't be said at once is waited for.
        async def answers(stream):
            await stream.send_all(await stream.receive_some())

        for server_side in server_context(), std_server_context():
            listeners = yield tls.open_tls_over_tcp_listeners(0, server_side, host=HOST)
            port = listeners[0].socket.getsockname()[1]

            def body(scope):
                scope.spawn(net.serve_listeners(answers, listeners))
                client = yield tls.open_tls_over_tcp_stream(
                    HOST, port, ssl_context=client_context()
                )
                yield client.send_all(b"x")
                self.assertEqual((yield client.receive_some()), b"x")
                self.assertEqual((yield client.receive_some()), b"")
                yield client.close()
                scope.cancel()

            yield self.scoped(body)

    def test_listeners(self):
        listeners = yield tls.open_tls_over_tcp_listeners(0, server_context(), host=HOST)
        (listener,) = listeners
        port = listener.socket.getsockname()[1]
        connecting = tonio.spawn(
            tls.open_tls_over_tcp_stream(HOST, port, ssl_context=client_context())
        )
        server = yield listener.accept()
        yield server.handshake()
        client = yield connecting
        yield client.send_all(b"x")
        self.assertEqual((yield server.receive_some()), b"x")
        yield client.close()
        yield server.close()
        listener.close()

    def test_a_server_that_can_not_work(self):
        with self.assertRaisesRegex(ValueError, "load_cert_chain"):
            yield tls.serve_tls_over_tcp(echo, 0, tls.TLSContext(server_side=True), host=HOST)
        with self.assertRaisesRegex(TypeError, "ssl_context must be"):
            yield tls.serve_tls_over_tcp(echo, 0, None, host=HOST)
        with self.assertRaisesRegex(TypeError, "handshake_timeout must be a number"):
            yield tls.serve_tls_over_tcp(
                echo, 0, server_context(), host=HOST, handshake_timeout=None
            )
        with self.assertRaisesRegex(TypeError, r"listener must have accept\(\)"):
            tls.TLSListener(None, server_context())
        with self.assertRaisesRegex(TypeError, "handler must be a function"):
            yield tls.serve_tls_over_tcp(None, 0, server_context(), host=HOST)
        with self.assertRaises(ConnectionRefusedError):
            (probe,) = yield net.open_tcp_listeners(0, host=HOST)
            port = probe.socket.getsockname()[1]
            probe.close()
            yield self.connect_numeric(port)

    def connect_numeric(self, port):
        try:
            yield tls.open_tls_over_tcp_stream(HOST, port, ssl_context=client_context())
        except OSError as failure:
            raise (failure.__cause__.exceptions[0] if failure.__cause__ else failure)

    def test_the_servers_certificate_is_checked(self):
        def body(port):
            with self.assertRaisesRegex(ResourceBroken, r"unknown issuer \(CN=localhost\)"):
                yield tls.open_tls_over_tcp_stream(HOST, port)
            yield log.wait_for("the peer refused: unknown certificate authority")

        with LogOfTLS() as log:
            yield self.serving(body)


main()
