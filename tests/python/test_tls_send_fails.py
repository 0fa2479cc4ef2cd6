"""A TLSStream whose sending fails or stops half-way: what the peer has sent can still be received,
and nothing follows half a record."""

import tonio
from scenarios import main
from tls_servers import client_context, server_context
from tls_streams import PairOfStreams, std_server_context
from tonio.exceptions import ResourceBroken

SERVERS = server_context, std_server_context


class Stoppable:
    """A transport that, once told to, sends five bytes of what it is given and no more."""

    def __init__(self, stream):
        self.stream = stream
        self.stops, self.has_stopped = False, tonio.Event()

    def send_all(self, data):
        if self.stops:
            self.stops = False
            yield self.stream.send_all(data[:5])
            self.has_stopped.set()
            yield tonio.Event().wait()
        yield self.stream.send_all(data)

    def receive_some(self, max_bytes=None):
        return (yield self.stream.receive_some())

    def close(self):
        self.stream.close()


class SendingFails(PairOfStreams):
    def connected(self, make_server):
        client, server = self.pair(server_side=make_server(), wrap=Stoppable)
        yield tonio.spawn(client.handshake(), server.handshake())
        # With it come the tickets.
        yield server.send_all(b"hello")
        self.assertEqual((yield client.receive_some()), b"hello")
        return client, server

    def cancelled_half_way(self, server, coro):
        """Runs coro, which sends, until the server's transport has stopped, and cancels it then."""
        with tonio.scope() as scope:
            scope.spawn(coro)
            yield server.transport.has_stopped.wait()
            scope.cancel()
        yield scope()

    def closed(self, *streams):
        for stream in streams:
            stream.transport.close()

    def test_receiving_does_not_wait_for_what_is_to_be_sent(self):
        for make_server in SERVERS:
            client, server = yield self.connected(make_server)
            yield client.send_all(b"AAAA")
            yield client.send_all(b"BBBB")
            self.assertEqual((yield server.receive_some(2)), b"AA")
            server.transport.stops = True
            server._engine.write(b"as if it were an answer")
            for expected in b"AA", b"BB", b"BB":
                self.assertEqual((yield server.receive_some(2)), expected)
            self.closed(client, server)

    def test_receiving_goes_on_while_an_answer_is_being_sent(self):
        for make_server in SERVERS:
            client, server = yield self.connected(make_server)
            server.transport.stops = True
            server._engine.write(b"as if it were an answer")
            yield self.cancelled_half_way(server, server.receive_some())
            receiving = tonio.spawn(server.receive_some())
            yield client.send_all(b"later")
            self.assertEqual((yield receiving), b"later")
            self.assertIsNone(server._send_broken)
            self.closed(client, server)

    def test_a_cancelled_send_ends_sending_only(self):
        for make_server in SERVERS:
            client, server = yield self.connected(make_server)
            server.transport.stops = True
            yield self.cancelled_half_way(server, server.send_all(b"data"))
            for _ in range(2):
                with self.assertRaisesRegex(ResourceBroken, "earlier send was not finished"):
                    yield server.send_all(b"more")
            server.send_eof()
            with self.assertRaises(BrokenPipeError):
                yield server.send_all(b"more")
            yield client.send_all(b"hello")
            self.assertEqual((yield server.receive_some()), b"hello")
            # Of what was sent nothing came after the half.
            self.assertEqual(len((yield client.transport.receive_some())), 5)
            self.closed(client, server)

    def test_a_send_behind_another_that_is_cancelled(self):
        for make_server in SERVERS:
            client, server = yield self.connected(make_server)
            server.transport.stops = True
            server._engine.write(b"as if it were an answer")

            @self.task
            def send():
                with self.assertRaisesRegex(ResourceBroken, "earlier send was not finished"):
                    yield server.send_all(b"data")

            with tonio.scope() as scope:
                scope.spawn(server._flush())
                yield server.transport.has_stopped.wait()
                sending = tonio.spawn(send())
                while not server._sending.locked():
                    yield
                scope.cancel()
            yield scope()
            yield sending
            self.closed(client, server)

    def test_send_eof_overtakes_a_send(self):
        for make_server in SERVERS:
            client, server = yield self.connected(make_server)
            yield server._flushing.acquire()

            @self.task
            def send():
                with self.assertRaises(BrokenPipeError):
                    yield server.send_all(b"data")

            sending = tonio.spawn(send())
            while not server._sending.locked():
                yield
            server.send_eof()
            server._flushing.release()
            yield sending
            yield client.send_all(b"hello")
            self.assertEqual((yield server.receive_some()), b"hello")
            self.assertEqual((yield client.receive_some()), b"")
            self.closed(client, server)

    def test_the_send_that_makes_the_handshake_is_cancelled(self):
        """Over a socket the connection goes on, as after any other cancelled send."""
        client, server = self.pair(client_context())
        shaking = tonio.spawn(server.handshake())
        with tonio.scope() as scope:
            scope.spawn(client.send_all(bytes(8_000_000)))
            yield shaking
            # Part of it is in the socket's buffers.
            self.assertEqual((yield server.receive_some(1)), b"\0")
            scope.cancel()
        yield scope()

        @self.task
        def receive():
            end = b""
            while data := (yield server.receive_some()):
                end = data[-4:]
            return end

        receiving = tonio.spawn(receive())
        yield client.send_all(b"more")
        client.send_eof()
        self.assertEqual((yield receiving), b"more")
        self.closed(client, server)

    def test_send_eof_when_the_peer_is_gone(self):
        for make_server in SERVERS:
            client, server = yield self.connected(make_server)
            yield client.send_all(b"half")
            client.transport.close()
            self.assertEqual((yield server.receive_some()), b"half")
            with self.assertRaisesRegex(ResourceBroken, "without a close_notify"):
                yield server.receive_some()
            server.send_eof()
            self.closed(server)

    def test_sizes_that_are_none(self):
        for make_server in SERVERS:
            client, server = yield self.connected(make_server)
            yield client.send_all(b"data")
            for size in 0, -1:
                with self.assertRaisesRegex(ValueError, rf"max_bytes must be at least 1: {size}"):
                    yield server.receive_some(size)
            with self.assertRaisesRegex(TypeError, "max_bytes must be an int, not float"):
                yield server.receive_some(2.5)
            self.assertEqual((yield server.receive_some(10**10)), b"data")
            self.closed(client, server)


if __name__ == "__main__":
    main()
