"""How a TLS connection ends: close_notify, one direction before the other, and truncation."""

import tonio
from scenarios import main
from tls_servers import client_context, server_context
from tls_streams import PairOfStreams, Relayed, std_client_context, std_server_context
from tonio.exceptions import ResourceBroken
from tonio.net import socket
from tonio.time import timeout


class Ends(PairOfStreams):
    def test_truncation(self):
        for make_server in server_context, std_server_context:
            for wrap in lambda stream: stream, Relayed:
                for compatible in False, True:
                    client, server = self.pair(
                        server_side=make_server(), wrap=wrap, https_compatible=compatible
                    )
                    yield tonio.spawn(client.handshake(), server.handshake())
                    yield client.send_all(b"half a")
                    client.socket.shutdown(socket.SHUT_WR)
                    self.assertEqual((yield server.receive_some()), b"half a")
                    if compatible:
                        self.assertEqual((yield server.receive_some()), b"")
                    else:
                        with self.assertRaises(ResourceBroken) as caught:
                            yield server.receive_some()
                        self.assertEqual(
                            str(caught.exception),
                            "the peer ended the connection without a close_notify",
                        )
                        self.assertIsInstance(caught.exception, OSError)
                    client.transport.close()
                    server.transport.close()

    def test_leaving_the_block_is_an_orderly_end(self):
        for make_client in client_context, std_client_context:
            client, server = self.pair(make_client())
            yield tonio.spawn(client.handshake(), server.handshake())
            with client:
                yield client.send_all(b"last")
            self.assertEqual((yield server.receive_some()), b"last")
            self.assertEqual((yield server.receive_some()), b"")
            # Also when the peer has gone already.
            with client:
                pass
            yield server.close()
            yield server.close()
        with self.assertRaisesRegex(ResourceBroken, "closed"):
            yield server.send_all(b"x")

    def test_half_closed(self):
        for make_server in server_context, std_server_context:
            for wrap in lambda stream: stream, Relayed:
                client, server = self.pair(server_side=make_server(), wrap=wrap)
                yield tonio.spawn(client.handshake(), server.handshake())
                yield client.send_all(b"last")
                client.send_eof()
                with self.assertRaisesRegex(
                    BrokenPipeError, r"nothing can be sent after send_eof\(\)"
                ):
                    yield client.send_all(b"x")
                answer = tonio.spawn(client.receive_some())
                self.assertEqual((yield server.receive_some()), b"last")
                # Told as often as it is asked for, although the transport goes on.
                self.assertEqual((yield server.receive_some()), b"")
                self.assertEqual((yield server.receive_some()), b"")
                yield server.send_all(b"the other direction")
                self.assertEqual((yield answer), b"the other direction")
                yield client.close()
                yield server.close()

    def test_who_is_told_the_end_again_and_again_can_be_cancelled(self):
        def receive_on(stream):
            while True:
                self.assertEqual((yield stream.receive_some()), b"")

        for make_server in server_context, std_server_context:
            client, server = self.pair(server_side=make_server())
            yield tonio.spawn(client.handshake(), server.handshake())
            client.send_eof()
            _, done = yield timeout(receive_on(server), 0.05)
            self.assertFalse(done)
            yield client.close()
            yield server.close()

    def test_the_end_before_the_handshake(self):
        for make_client in client_context, std_client_context:
            for wrap in lambda stream: stream, Relayed:
                client, server = self.pair(make_client(), wrap=wrap)
                client.send_eof()
                # The handshake is made by who receives.
                answer = tonio.spawn(client.receive_some())
                self.assertEqual((yield server.receive_some()), b"")
                yield server.send_all(b"answer")
                self.assertEqual((yield answer), b"answer")
                with self.assertRaises(BrokenPipeError):
                    yield client.send_all(b"x")
                yield client.close()
                yield server.close()

    def test_the_end_while_data_comes(self):
        for make_client in client_context, std_client_context:
            client, server = self.pair(make_client())
            yield tonio.spawn(client.handshake(), server.handshake())
            yield server.send_all(b"0123456789")
            self.assertEqual((yield client.receive_some(3)), b"012")
            client.send_eof()
            self.assertEqual((yield client.receive_some(4)), b"3456")
            self.assertEqual((yield client.receive_some()), b"789")
            yield server.send_all(b"more")
            self.assertEqual((yield client.receive_some()), b"more")
            self.assertEqual((yield server.receive_some()), b"")
            yield server.close()
            self.assertEqual((yield client.receive_some()), b"")
            yield client.close()

    def test_the_end_is_sent_without_receiving(self):
        for make_client in client_context, std_client_context:
            for wrap in lambda stream: stream, Relayed:
                client, server = self.pair(make_client(), wrap=wrap)
                yield tonio.spawn(client.handshake(), server.handshake())
                client.send_eof()
                self.assertEqual((yield server.receive_some()), b"")
                yield client.close()
                yield server.close()

    def test_the_end_behind_what_the_peer_has_not_read(self):
        client, server = self.pair()
        yield tonio.spawn(client.handshake(), server.handshake())
        # The socket takes nothing more when send_eof() is called.
        _, done = yield tonio.time.timeout(client.send_all(bytes(5_000_000)), 0.05)
        self.assertFalse(done)
        client.send_eof()
        received = 0
        while data := (yield server.receive_some()):
            received += len(data)
        self.assertGreater(received, 0)
        yield client.close()
        yield server.close()


main()
