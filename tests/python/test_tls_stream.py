"""TLSStream over sockets and other transports, with both kinds of contexts."""

import os
import ssl

import tonio
from scenarios import main
from tls_servers import client_context, localhost, only, server_context
from tls_streams import PairOfStreams, Relayed, sockets, std_client_context, std_server_context
from tonio.exceptions import CancelledError, ResourceBroken, ResourceBusy
from tonio.net import tls

VERSIONS = "TLSv1.2", "TLSv1.3"
# What our own engine says, OpenSSL 3.0, and OpenSSL 3.5.
BROKEN_RECORD = "tampered|record mac$|^record layer failure$"


def a_good_and_a_broken_record(sender):
    engine = sender._engine
    engine.write(b"good")
    good = engine.take_output()
    engine.write(b"broken")
    broken = bytearray(engine.take_output())
    broken[-1] ^= 1
    return good + bytes(broken)


class TLSStreams(PairOfStreams):
    def exchange(self, client, server, data):
        """Sends data there and back; both at the same time."""

        @self.task
        def echo():
            received = 0
            while received < len(data):
                piece = yield server.receive_some()
                received += len(piece)
                yield server.send_all(piece)

        @self.task
        def receive():
            got = bytearray()
            while len(got) < len(data):
                got += yield client.receive_some()
            return bytes(got)

        _, _, got = yield tonio.spawn(echo(), client.send_all(data), receive())
        self.assertEqual(got, data)

    def test_data_both_ways_at_once(self):
        data = os.urandom(2_000_000)
        for version in VERSIONS:
            for make_client in client_context, std_client_context:
                for make_server in server_context, std_server_context:
                    context = make_client()
                    number = ssl.TLSVersion[version.replace(".", "_")]
                    context.minimum_version = context.maximum_version = number
                    client, server = self.pair(context, make_server())
                    yield self.exchange(client, server, data)
                    self.assertEqual(client.version(), version)
                    self.assertEqual(server.version(), version)
                    yield client.close()
                    self.assertEqual((yield server.receive_some()), b"")
                    yield server.close()

    def test_all_records_that_have_come_at_once(self):
        """One receive gives what is there, whatever the size of TLS's records (16 KiB)."""
        for make_server in server_context, std_server_context:
            client, server = self.pair(server_side=make_server())
            yield tonio.spawn(client.handshake(), server.handshake())
            data = os.urandom(40_000)
            yield client.send_all(data)
            self.assertEqual((yield server.receive_some(35_000)), data[:35_000])
            self.assertEqual((yield server.receive_some()), data[35_000:])
            yield client.send_all(data)
            yield client.close()
            self.assertEqual((yield server.receive_some()), data)
            self.assertEqual((yield server.receive_some()), b"")
            self.assertEqual((yield server.receive_some()), b"")
            yield server.close()

    def test_a_broken_record_behind_a_good_one(self):
        """What came before is received, then the failure is told, each time."""
        for make_server in server_context, std_server_context:
            client, server = self.pair(server_side=make_server())
            yield tonio.spawn(client.handshake(), server.handshake())
            yield client.transport.send_all(a_good_and_a_broken_record(client))
            self.assertEqual((yield server.receive_some()), b"good")
            for _ in range(2):
                with self.assertRaisesRegex(ResourceBroken, BROKEN_RECORD):
                    yield server.receive_some()
            yield server.close()
            client.transport.close()

    def test_a_broken_record_that_comes_before_our_own_end(self):
        for make_server in server_context, std_server_context:
            client, server = self.pair(server_side=make_server(), https_compatible=True)
            yield tonio.spawn(client.handshake(), server.handshake())
            server._engine.feed(a_good_and_a_broken_record(client))
            server.send_eof()
            self.assertEqual((yield server.receive_some()), b"good")
            with self.assertRaisesRegex(ResourceBroken, BROKEN_RECORD):
                yield server.receive_some()
            yield server.close()
            client.transport.close()

    def test_data_and_the_peers_end_after_our_own_end(self):
        data = os.urandom(40_000)
        for make_server in server_context, std_server_context:
            for too_late in False, True:
                client, server = self.pair(server_side=make_server())
                yield tonio.spawn(client.handshake(), server.handshake())
                if not too_late:
                    server.send_eof()
                    yield server._flush()
                yield client.send_all(data)
                yield client.close()
                if too_late:
                    # The peer is gone: this can't be sent, but what has come can be received.
                    server.send_eof()
                    yield server._flush()
                self.assertEqual((yield server.receive_some()), data)
                self.assertEqual((yield server.receive_some()), b"")
                yield server.close()

    def test_over_any_transport(self):
        for make_client in client_context, std_client_context:
            client, server = self.pair(make_client(), wrap=Relayed)
            yield self.exchange(client, server, os.urandom(50_000))
            yield client.close()
            self.assertEqual((yield server.receive_some()), b"")
            yield server.close()

    def test_over_tls(self):
        outer = self.pair()
        inner = tls.TLSStream(outer[0], client_context(), server_hostname="localhost")
        other = tls.TLSStream(outer[1], server_context(), server_side=True)
        yield self.exchange(inner, other, os.urandom(100_000))
        yield inner.close()
        self.assertEqual((yield other.receive_some()), b"")
        yield other.close()

    def test_text_and_sizes(self):
        client, server = self.pair()
        yield tonio.spawn(client.handshake(), server.handshake())
        yield client.send_all("grüß")
        yield client.send_all(b"")
        yield client.send_all(memoryview(b"bytes-like"))
        self.assertEqual((yield server.receive_some(6)), "grüß".encode())
        self.assertEqual((yield server.receive_some(3)), b"byt")
        self.assertEqual((yield server.receive_some(max_bytes=100)), b"es-like")
        with self.assertRaisesRegex(ValueError, "max_bytes"):
            yield server.receive_some(0)
        with self.assertRaises(TypeError):
            yield client.send_all(7)
        yield client.close()
        yield server.close()

    def test_what_it_tells(self):
        server_side = server_context()
        server_side.set_alpn_protocols(["http/1.1"])
        client_side = client_context()
        client_side.set_alpn_protocols(["h2", "http/1.1"])
        client, server = self.pair(client_side, server_side)
        self.assertIsNone(client.version())
        self.assertIsNone(client.cipher())
        self.assertIsNone(client.getpeercert())
        yield tonio.spawn(client.handshake(), server.handshake())
        self.assertEqual(client.selected_alpn_protocol(), "http/1.1")
        self.assertEqual(server.selected_alpn_protocol(), "http/1.1")
        self.assertEqual(client.cipher(), "TLS_AES_128_GCM_SHA256")
        certificate = client.getpeercert()
        self.assertEqual(certificate["subject"], ((("commonName", "localhost"),),))
        self.assertEqual(certificate["issuer"], ((("commonName", "Test authority"),),))
        self.assertIn(("IP Address", "::1"), certificate["subjectAltName"])
        self.assertGreater(ssl.cert_time_to_seconds(certificate["notAfter"]), 0)
        pem = ssl.DER_cert_to_PEM_cert(client.getpeercert(True))
        self.assertEqual(pem.strip(), localhost().certificate.read_text().strip())
        self.assertIsNone(server.getpeercert())
        yield client.close()
        yield server.close()

    def test_sessions_are_resumed(self):
        for version in VERSIONS:
            client_side, server_side = client_context(**only(version)), server_context()
            for number in range(3):
                client, server = self.pair(client_side, server_side)
                yield self.exchange(client, server, b"data")
                self.assertEqual(client.session_reused, number > 0)
                self.assertEqual(client.getpeercert()["subject"], ((("commonName", "localhost"),),))
                yield client.close()
                yield server.close()

    def test_the_second_that_receives_is_told(self):
        for wrap in lambda stream: stream, Relayed:
            client, server = self.pair(wrap=wrap)
            yield tonio.spawn(client.handshake(), server.handshake())
            with self.assertRaises(ExceptionGroup) as caught:
                yield self.two_that_receive(client, server)
            (failure,) = caught.exception.exceptions
            self.assertIsInstance(failure, ResourceBusy)
            client.transport.close()
            server.transport.close()

    def two_that_receive(self, client, server):
        @self.task
        def receive(other_failed):
            try:
                return (yield server.receive_some())
            except ResourceBusy:
                other_failed.set()
                raise

        failed = tonio.Event()
        both = tonio.spawn(receive(failed), receive(failed))
        yield failed.wait()
        yield client.send_all(b"for the first")
        yield both

    def test_garbage_from_the_peer(self):
        for make_server in server_context, std_server_context:
            first, second = sockets()
            server = tls.TLSStream(second, make_server(), server_side=True)
            yield first.send_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with self.assertRaises(ResourceBroken) as caught:
                yield server.handshake()
            if make_server is server_context:
                self.assertEqual(str(caught.exception), "what the peer sent is not TLS")
            with self.assertRaises(ResourceBroken):
                yield server.send_all(b"x")
            yield server.close()
            # At most an alert: a record of type 21.
            self.assertIn((yield first.receive_some())[:1], (b"\x15", b""))
            first.close()

    def test_the_handshake_has_a_time_limit(self):
        for make_server in server_context, std_server_context:
            first, second = sockets()
            server = tls.TLSStream(
                second, make_server(), server_side=True, handshake_timeout=0.05
            )
            with self.assertRaisesRegex(ResourceBroken, "not finished within 0.05 s"):
                yield server.receive_some()
            first.close()
            yield server.close()

    def test_cancelled_in_the_handshake(self):
        for make_client in client_context, std_client_context:
            first, second = sockets()
            client = tls.TLSStream(first, make_client(), server_hostname="localhost")
            ended = []

            @self.task
            def shake():
                try:
                    yield client.handshake()
                except CancelledError:
                    ended.append("cancelled")
                    raise

            def body(scope):
                scope.spawn(shake())
                # The client's hello has come: it waits for an answer.
                hello = yield second.receive_some()
                self.assertEqual(hello[0], 22)
                scope.cancel()
                return hello

            yield self.scoped(body)
            self.assertEqual(ended, ["cancelled"])
            # Nothing is left behind, and closing still works.
            yield client.close()
            self.assertEqual((yield second.receive_some()), b"")
            second.close()

    def test_cancelled_receive_loses_nothing(self):
        client, server = self.pair()
        yield tonio.spawn(client.handshake(), server.handshake())
        for _ in range(20):
            _, done = yield tonio.time.timeout(server.receive_some(), 0.001)
            self.assertFalse(done)
        yield client.send_all(b"still there")
        self.assertEqual((yield server.receive_some()), b"still there")
        yield client.close()
        yield server.close()

    def test_back_pressure_and_a_cancelled_send(self):
        client, server = self.pair()
        yield tonio.spawn(client.handshake(), server.handshake())
        data = os.urandom(30_000_000)
        _, done = yield tonio.time.timeout(client.send_all(data), 0.05)
        self.assertFalse(done)
        got = bytearray()

        @self.task
        def receive():
            # What had been encrypted comes whole, and what is sent next after it.
            while not got.endswith(b"the end"):
                got.extend((yield server.receive_some()))

        yield tonio.spawn(receive(), client.send_all(b"the end"))
        self.assertEqual(bytes(got[:-7]), data[: len(got) - 7])
        yield client.close()
        yield server.close()

    def test_bad_arguments(self):
        first, second = sockets()
        with self.assertRaisesRegex(TypeError, "TLSContext or ssl.SSLContext, not str"):
            tls.TLSStream(first, "context")
        for make_client in client_context, std_client_context:
            # Nothing would check the name.
            with self.assertRaisesRegex(ValueError, "needs server_hostname"):
                tls.TLSStream(first, make_client())
        with self.assertRaisesRegex(TypeError, "server_hostname must be str or bytes, not int"):
            tls.TLSStream(first, client_context(), server_hostname=5)
        with self.assertRaisesRegex(TypeError, "transport must have send_all.* NoneType has no"):
            tls.TLSStream(None, client_context(), server_hostname="localhost")
        for timeout, error in ("1", TypeError), (None, TypeError), (0, ValueError), (-1, ValueError):
            with self.assertRaisesRegex(error, "handshake_timeout"):
                tls.TLSStream(first, server_context(), server_side=True, handshake_timeout=timeout)
        with self.assertRaisesRegex(ValueError, r"TLSContext\(server_side=True\)"):
            tls.TLSStream(first, client_context(), server_side=True)
        with self.assertRaisesRegex(ValueError, "load_cert_chain"):
            tls.TLSStream(first, tls.TLSContext(server_side=True), server_side=True)
        first.close()
        second.close()
        yield tonio.sleep(0)


main()
