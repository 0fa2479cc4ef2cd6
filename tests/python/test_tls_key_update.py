"""OpenSSL as a peer that updates its key (RFC 8446, section 4.6.3), client and server."""

import contextlib

import tonio
from interactive_openssl import InteractiveOpenSSL
from scenarios import Scenarios, main
from tls_servers import HOST, client_context, localhost, server_context
from tls_streams import Relayed
from tonio import net
from tonio.net import tls

SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
# A program's line that begins with a letter would be a command.
BIG = b"".join(b"%09d\n" % number for number in range(15_000))


class KeyUpdates(Scenarios):
    def setUp(self):
        self.peers = self.enterContext(contextlib.ExitStack())

    def as_client(self, suite, wrap=lambda stream: stream):
        """A stream to a server of OpenSSL's, and that program."""
        peer = self.peers.enter_context(InteractiveOpenSSL.server(localhost(), suite))
        plain = yield net.open_tcp_stream(HOST, peer.port)
        stream = tls.TLSStream(wrap(plain), client_context(), server_hostname="localhost")
        return stream, peer

    def as_server(self, suite, wrap=lambda stream: stream):
        """A stream from a client of OpenSSL's, and that program."""
        (listener,) = yield net.open_tcp_listeners(0, host=HOST)
        with listener:
            port = listener.socket.getsockname()[1]
            peer = self.peers.enter_context(InteractiveOpenSSL.client(port, suite))
            plain = yield listener.accept()
        return tls.TLSStream(wrap(plain), server_context(), server_side=True), peer

    def receive(self, stream, expected):
        got = b""
        while len(got) < len(expected):
            piece = yield stream.receive_some()
            self.assertNotEqual(piece, b"")
            got += piece
        # Not assertEqual(), which would print both.
        self.assertTrue(got == expected)

    def say(self, stream, peer, data):
        said = tonio.spawn_blocking(peer.say, data)
        yield self.receive(stream, data)
        yield said

    def converse(self, stream, peer, data, commands="kKKk"):
        """`data` in both directions, before, between and after updates."""
        yield stream.handshake()
        yield stream.send_all(b"<begin>" + data)
        yield tonio.spawn_blocking(peer.wait_for, b"<begin>" + data)
        yield self.say(stream, peer, data)
        for number, command in enumerate(commands):
            yield tonio.spawn_blocking(peer.update_key, command == "K")
            yield self.say(stream, peer, data)
            text = b"<%d>" % number + data
            yield stream.send_all(text)
            yield tonio.spawn_blocking(peer.wait_for, text)
        # Two at once, and the answer to both.
        yield tonio.spawn_blocking(peer.update_key, True)
        yield tonio.spawn_blocking(peer.update_key, True)
        yield self.say(stream, peer, data)
        yield stream.send_all(b"<end>" + data)
        yield tonio.spawn_blocking(peer.wait_for, b"<end>" + data)
        yield stream.close()

    def test_every_suite(self):
        for connect in self.as_client, self.as_server:
            for suite in SUITES:
                stream, peer = yield connect(suite)
                yield self.converse(stream, peer, b"1234 hello\n")
                self.assertEqual(stream.cipher(), suite)

    def test_large_data(self):
        for connect in self.as_client, self.as_server:
            stream, peer = yield connect(SUITES[0])
            yield self.converse(stream, peer, BIG, "kK")

    def test_byte_by_byte(self):
        for connect in self.as_client, self.as_server:
            stream, peer = yield connect(SUITES[0], lambda plain: Relayed(plain, piece=1))
            yield self.converse(stream, peer, BIG[:3000])

    def test_another_task_writes(self):
        for connect in self.as_client, self.as_server:
            for suite in SUITES:
                stream, peer = yield connect(suite)
                yield stream.handshake()
                over = tonio.Event()
                sent = []

                @self.task
                def write(stream=stream, over=over, sent=sent):
                    while not over.is_set():
                        sent.append(b"<%d>" % len(sent) + BIG[:200])
                        yield stream.send_all(sent[-1])

                writing = tonio.spawn(write())
                for command in "KkK":
                    yield tonio.spawn_blocking(peer.update_key, command == "K")
                    yield self.say(stream, peer, BIG[:20_000])
                over.set()
                yield writing
                self.assertGreater(len(sent), 3)
                yield tonio.spawn_blocking(peer.wait_for, b"".join(sent))
                yield stream.close()


main()
