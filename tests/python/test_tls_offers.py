"""What a ClientHello of ours offers, byte by byte (RFC 8446, 4.1.2), and what a server of ours
refuses: nothing without forward secrecy and authenticated encryption, nothing below TLS 1.2."""

import socket as standard
import ssl
import struct

import tonio
from scenarios import Scenarios, main
from tls_servers import authority, client_context, server_context
from tonio import net
from tonio.net import socket, tls

# RFC 8446, B.4, and of TLS 1.2 only ECDHE with an AEAD: RFC 5289, RFC 7905, RFC 7251.
GOOD = {
    0x1301, 0x1302, 0x1303,  # TLS_AES_128_GCM_SHA256, AES_256_GCM_SHA384, CHACHA20_POLY1305_SHA256
    0xC02B, 0xC02C, 0xC02F, 0xC030,  # ECDHE with ECDSA or RSA, AES-GCM
    0xCCA8, 0xCCA9,  # ECDHE with RSA or ECDSA, ChaCha20-Poly1305
}  # fmt: skip
SCSV = 0x00FF  # TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746) is no cipher suite
GROUPS = {0x001D, 0x0017, 0x0018, 0x0019}  # X25519, P-256, P-384, P-521
SERVER_NAME, SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, PRE_SHARED_KEY = 0, 10, 13, 41
EARLY_DATA, SUPPORTED_VERSIONS, PSK_KEY_EXCHANGE_MODES = 42, 43, 45


class ClientHello:
    def __init__(self, data):
        kind, size = data[5], int.from_bytes(data[6:9])
        assert data[0] == 22 and kind == 1, data[:9]
        body = memoryview(data)[9 : 9 + size]
        (self.legacy_version,) = struct.unpack_from("!H", body)
        at = 34
        at += 1 + body[at]
        (length,) = struct.unpack_from("!H", body, at)
        self.suites = struct.unpack_from(f"!{length // 2}H", body, at + 2)
        at += 2 + length
        self.compression = bytes(body[at + 1 : at + 1 + body[at]])
        at += 1 + body[at] + 2
        self.extensions = {}
        while at < size:
            kind, length = struct.unpack_from("!HH", body, at)
            self.extensions[kind] = bytes(body[at + 4 : at + 4 + length])
            at += 4 + length

    def numbers(self, kind):
        """The extension of this kind, which is a list of numbers of two bytes."""
        data = self.extensions[kind]
        return struct.unpack_from(f"!{int.from_bytes(data[:2]) // 2}H", data, 2)


class Offers(Scenarios):
    options = {"threads": 2}

    def hello(self, context=None):
        first, second = socket.socketpair()
        stream = tls.TLSStream(net.SocketStream(first), context, server_hostname="example.org")
        handshake = tonio.spawn(stream.handshake())
        data = b""
        while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5]):
            data += yield second.recv(65536)
        second.close()
        try:
            yield handshake
            self.fail("a handshake with nobody")
        except* OSError:
            pass
        first.close()
        return ClientHello(data)

    def test_nothing_weak(self):
        for context in (None, tls.TLSContext()):
            hello = yield self.hello(context)
            suites = set(hello.suites) - {SCSV}
            self.assertTrue(suites)
            self.assertLessEqual(suites, GOOD, [hex(n) for n in suites - GOOD])
            self.assertEqual(hello.compression, b"\0")
            self.assertEqual(hello.extensions[SUPPORTED_VERSIONS][1:], b"\x03\x04\x03\x03")
            self.assertEqual(hello.extensions[SERVER_NAME][5:], b"example.org")
            self.assertEqual(set(hello.numbers(SUPPORTED_GROUPS)), GROUPS)
            self.assertNotIn(EARLY_DATA, hello.extensions)
            # The lower byte of the older ones is who signs, the upper one the hash: 1 is MD5,
            # 2 is SHA-1, 3 is SHA-224.
            algorithms = hello.numbers(SIGNATURE_ALGORITHMS)
            self.assertFalse([hex(n) for n in algorithms if n >> 8 in (0, 1, 2, 3)])

    def test_a_session_is_resumed_with_a_new_key_exchange_and_without_early_data(self):
        context = client_context(minimum_version="TLSv1.3")
        first, second = map(net.SocketStream, socket.socketpair())
        client = tls.TLSStream(first, context, server_hostname="example.org")
        issued = authority().issue("example.org")
        server = tls.TLSStream(second, server_context(issued), server_side=True)
        sending = tonio.spawn(server.send_all(b"with the tickets"))
        yield client.receive_some()
        yield sending
        first.close()
        second.close()
        hello = yield self.hello(context)
        self.assertIn(PRE_SHARED_KEY, hello.extensions)
        # One mode: psk_dhe_ke (RFC 8446, 4.2.9).
        self.assertEqual(hello.extensions[PSK_KEY_EXCHANGE_MODES], b"\x01\x01")
        self.assertNotIn(EARLY_DATA, hello.extensions)

    def test_tls_1_3_only(self):
        context = tls.TLSContext()
        context.minimum_version = "TLSv1.3"
        hello = yield self.hello(context)
        self.assertLessEqual(set(hello.suites) - {SCSV}, {0x1301, 0x1302, 0x1303})
        self.assertEqual(hello.extensions[SUPPORTED_VERSIONS][1:], b"\x03\x04")

    def test_contexts_verify_by_themselves(self):
        context = tls.TLSContext()
        self.assertEqual(context.verify_mode, ssl.CERT_REQUIRED)
        self.assertTrue(context.check_hostname)
        self.assertEqual(context.minimum_version, ssl.TLSVersion.TLSv1_2)
        for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.SSLv3, "TLSv1.1"):
            with self.assertRaisesRegex(ValueError, "TLSv1.2 or TLSv1.3"):
                context.minimum_version = old
        # Neither can be switched off by mistake.
        with self.assertRaisesRegex(ValueError, "check_hostname"):
            context.verify_mode = ssl.CERT_NONE

    def refused(self, change, key):
        """A server of ours whose certificate has such a key, and a client of OpenSSL's that `change`
        makes weak: which error that client gets, or the suite."""
        ours, theirs = socket.socketpair()
        issued = authority().issue("localhost", key=key, usage="digitalSignature,keyEncipherment")
        server = tls.TLSStream(net.SocketStream(ours), server_context(issued), server_side=True)
        handshake = tonio.spawn(server.handshake())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        change(context)

        def connect():
            with standard.socket(fileno=theirs.detach()) as plain:
                plain.setblocking(True)
                plain.settimeout(30)
                try:
                    with context.wrap_socket(plain) as wrapped:
                        return wrapped.cipher()
                except ssl.SSLError as refusal:
                    return refusal.reason

        outcome = yield tonio.spawn_blocking(connect)
        try:
            yield handshake
        except* OSError:
            pass
        ours.close()
        return outcome

    def test_a_server_refuses_weak_clients(self):
        def suites(text):
            def change(context):
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.set_ciphers(f"{text}:@SECLEVEL=0")

            return change

        def group(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ecdh_curve("secp256k1")

        def old(context):
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")

        for change in (
            suites("AES128-GCM-SHA256:AES256-GCM-SHA384"),  # RSA key exchange
            suites("ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA"),  # CBC with SHA-1
            suites("ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256"),  # CBC
            suites("aNULL:eNULL"),  # nobody is verified, nothing is encrypted
            suites("DHE-RSA-AES128-GCM-SHA256"),
            group,
            old,
        ):
            for key in ("ec", "rsa"):
                outcome = yield self.refused(change, key)
                self.assertIsInstance(outcome, str, f"a weak client got {outcome}")
                # The server's words: the client itself would have offered all that.
                self.assertRegex(outcome, "ALERT|EOF")
        # The same client without a weakness gets through.
        strong = suites("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256")
        for key in ("ec", "rsa"):
            for change in (lambda context: None, strong):
                outcome = yield self.refused(change, key)
                self.assertIsInstance(outcome, tuple)


if __name__ == "__main__":
    main()
