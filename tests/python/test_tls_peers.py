"""TLS with other programs: openssl, curl, nginx, socat, and Python's ssl and asyncio in a
process of their own; both directions, both versions."""

import os
import socket as std
import tempfile

import tonio
from certificates import Authority
from peers import Nginx, Peer, Script, needs, run
from scenarios import Scenarios, main
from tls_servers import HOST, Serving, authority, client_context, localhost, only, server_context
from tonio.exceptions import ResourceBroken
from tonio.net import tls

VERSIONS = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
BODY = os.urandom(300_000)


def free_port():
    with std.socket() as sock:
        sock.bind((HOST, 0))
        return sock.getsockname()[1]


async def http(stream):
    """Answers one request with the body."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        piece = await stream.receive_some()
        if not piece:
            return
        request += piece
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\nConnection: close\r\n\r\n"
    await stream.send_all(head.encode() + BODY)


async def upper(stream):
    while data := await stream.receive_some():
        await stream.send_all(data.upper())


async def upper_line(stream):
    """Answers one line, and closes."""
    line = b""
    while not line.endswith(b"\n"):
        piece = await stream.receive_some()
        if not piece:
            return
        line += piece
    await stream.send_all(line.upper())


class Peers(Scenarios):
    def serving(self, handler, body, context=None, **options):
        """Runs body(port) beside a server of ours."""

        async def served():
            async with Serving(context or server_context(), handler, **options) as port:
                await tonio.spawn(self.task(body)(port))

        return served()

    def exchange(self, port, version, name=HOST, data=b"hello\n", expected=b"hello\n"):
        context = client_context(**only(version))
        stream = yield tls.open_tls_over_tcp_stream(name, port, ssl_context=context)
        yield stream.send_all(data)
        got = b""
        while len(got) < len(expected):
            piece = yield stream.receive_some()
            self.assertNotEqual(piece, b"")
            got += piece
        self.assertEqual(got, expected)
        self.assertEqual(stream.version(), version)
        yield stream.close()

    def fetch(self, port, version, path="/file"):
        context = client_context(**only(version))
        stream = yield tls.open_tls_over_tcp_stream(
            HOST, port, ssl_context=context, https_compatible=True
        )
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        yield stream.send_all(request)
        answer = b""
        while data := (yield stream.receive_some()):
            answer += data
        yield stream.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
        self.assertEqual(stream.version(), version)
        return body

    # Our server

    def test_openssl_s_client(self):
        def body(port):
            for version, option in VERSIONS.items():
                common = ("openssl", "s_client", "-connect", f"{HOST}:{port}", option)
                trust = ("-CAfile", authority().certificate, "-verify_return_error", "-ign_eof")
                with tempfile.NamedTemporaryFile() as session:
                    sessions = ("-sess_out", session.name)
                    ended = yield run(*common, *trust, *sessions, input=b"hello\n")
                    self.assertIn(b"HELLO", ended.stdout)
                    self.assertIn(f"New, {version}, Cipher is".encode(), ended.stdout)
                    self.assertIn(b"Verify return code: 0 (ok)", ended.stdout)
                    # Sessions are resumed.
                    sessions = ("-sess_in", session.name)
                    ended = yield run(*common, *trust, *sessions, input=b"hello\n")
                    self.assertIn(b"HELLO", ended.stdout)
                    self.assertIn(f"Reused, {version}".encode(), ended.stdout)

        yield self.serving(upper_line, body)

    def test_what_a_ticket_allows(self):
        def body(port):
            for option in VERSIONS.values():
                with tempfile.NamedTemporaryFile() as session:
                    args = ("-connect", f"{HOST}:{port}", option, "-sess_out", session.name)
                    yield run("openssl", "s_client", *args, "-ign_eof", input=b"hello\n")
                    shown = yield run("openssl", "sess_id", "-noout", "-text", "-in", session.name)
                text = shown.stdout
                # A day, and nothing that is sent before the handshake (TLS 1.3).
                self.assertIn(b"TLS session ticket lifetime hint: 86400 (seconds)", text)
                self.assertEqual(b"Max Early Data: 0\n" in text, option == VERSIONS["TLSv1.3"], text)

        yield self.serving(upper_line, body)

    def test_renegotiation_is_refused(self):
        def body(port):
            # "R" at the beginning of a line asks for it.
            args = ("-connect", f"{HOST}:{port}", "-tls1_2", "-CAfile", authority().certificate)
            ended = yield run("openssl", "s_client", *args, input=b"R\nhello\n")
            self.assertIn(b"no renegotiation", ended.stderr.lower())
            self.assertNotIn(b"HELLO", ended.stdout)
            # The server is there for others.
            yield self.exchange(port, "TLSv1.2", data=b"hello\n", expected=b"HELLO\n")

        yield self.serving(upper_line, body, https_compatible=True)

    def test_curl(self):
        needs("curl")

        def body(port):
            options = ("curl", "-sS", "--cacert", authority().certificate)
            for limits in ("--tlsv1.3",), ("--tls-max", "1.2"):
                ended = yield run(*options, *limits, f"https://localhost:{port}/")
                self.assertEqual(ended.stdout, BODY, ended.stderr)
            ended = yield run("curl", "-sS", f"https://localhost:{port}/")
            self.assertNotEqual(ended.returncode, 0)

        yield self.serving(http, body)

    def test_socat_as_client(self):
        needs("socat")

        def body(port):
            target = f"OPENSSL:{HOST}:{port},commonname=localhost,cafile={authority().certificate}"
            ended = yield run("socat", "-t5", "-", target, input=b"hello\n" * 10_000)
            self.assertEqual(ended.stdout, b"HELLO\n" * 10_000, ended.stderr)

        yield self.serving(upper, body)

    def test_client_certificates_of_openssl(self):
        context = server_context(verify_mode=2)
        context.load_verify_locations(authority().certificate)
        issued = authority().issue("client", extended="clientAuth")
        names = []

        async def handler(stream):
            names.append(stream.getpeercert()["subject"])
            await upper_line(stream)

        def body(port):
            for option in VERSIONS.values():
                args = ("-connect", f"{HOST}:{port}", option, "-ign_eof")
                own = ("-cert", issued.certificate, "-key", issued.key)
                ended = yield run("openssl", "s_client", *args, *own, input=b"hello\n")
                self.assertIn(b"HELLO", ended.stdout)
                ended = yield run("openssl", "s_client", *args, input=b"hello\n")
                self.assertNotIn(b"HELLO", ended.stdout)
                # mbedTLS 3.6 sends TLS 1.3's alert with the handshake's keys.
                self.assertRegex(ended.stderr, b"alert|bad record mac")
            self.assertEqual(names, [((("commonName", "client"),),)] * 2)

        yield self.serving(handler, body, context)

    def test_python_clients(self):
        script = """
            import asyncio, socket, ssl, sys
            port, cafile, number = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
            context = ssl.create_default_context(cafile=cafile)
            context.minimum_version = context.maximum_version = ssl.TLSVersion(number)
            data = bytes(range(97, 123)) * 50_000
            with socket.create_connection(("127.0.0.1", port)) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as sock:
                    sock.sendall(data[:1000])
                    got = b""
                    while len(got) < 1000:
                        got += sock.recv(1000)
                    assert got == data[:1000].upper()

            async def main():
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", port, ssl=context, server_hostname="localhost"
                )
                writer.write(data)
                assert await reader.readexactly(len(data)) == data.upper()
                writer.close()
                await writer.wait_closed()

            asyncio.run(main())
            print(0)
        """

        def body(port):
            for number in 0x0303, 0x0304:
                peer = Script(script, port, authority().certificate, number)
                yield tonio.spawn_blocking(peer.__enter__)
                peer.__exit__()

        # wrap_socket()'s close says no close_notify.
        yield self.serving(upper, body, https_compatible=True)

    # Our client

    def s_server(self, issued, *options):
        args = ("-accept", f"{HOST}:0", "-cert", issued.certificate, "-key", issued.key)
        chain = ("-cert_chain", issued.chain)
        return Peer(
            *("openssl", "s_server", "-naccept", 20, *args, *chain, *options),
            pattern=r"ACCEPT \S+:(\d+)",
        )

    def test_openssl_s_server(self):
        for version in VERSIONS:
            for key in "ec", "rsa":
                with self.s_server(localhost(key), "-rev") as peer:
                    yield self.exchange(peer.port, version, data=b"hello\n", expected=b"olleh\n")
            with self.s_server(localhost(), "-WWW") as peer:
                with self.assertRaises(ResourceBroken):
                    yield tls.open_tls_over_tcp_stream(HOST, peer.port)

    def test_client_certificate_for_openssl(self):
        issued = authority().issue("client", extended="clientAuth")
        required = ("-rev", "-Verify", 1, "-CAfile", authority().certificate, "-verify_return_error")
        for version in VERSIONS:
            with self.s_server(localhost(), *required) as peer:
                context = client_context(**only(version))
                context.load_cert_chain(issued.certificate, issued.key)
                stream = yield tls.open_tls_over_tcp_stream(
                    HOST, peer.port, ssl_context=context
                )
                yield stream.send_all(b"hello\n")
                self.assertEqual((yield stream.receive_some()), b"olleh\n")
                yield stream.close()
                with self.assertRaisesRegex(ResourceBroken, "the peer refused: "):
                    yield self.exchange(peer.port, version)

    def test_nginx(self):
        port = free_port()
        with Nginx(localhost(), port, BODY):
            for version in VERSIONS:
                self.assertEqual((yield self.fetch(port, version)), BODY)
        port = free_port()
        with Nginx(Authority("Somebody else").issue("localhost"), port, BODY):
            for version in VERSIONS:
                with self.assertRaisesRegex(ResourceBroken, r"unknown issuer \(CN=localhost\)"):
                    yield self.fetch(port, version)

    def test_socat_as_server(self):
        needs("socat")
        issued = localhost()
        options = f"cert={issued.certificate},key={issued.key},verify=0,fork,reuseaddr"
        with Peer(
            *("socat", "-d", "-d", f"OPENSSL-LISTEN:0,bind={HOST},{options}", "EXEC:tr a-z A-Z"),
            pattern=r"listening on .*:(\d+)",
        ) as peer:
            for version in VERSIONS:
                context = client_context(**only(version))
                stream = yield tls.open_tls_over_tcp_stream(
                    HOST, peer.port, ssl_context=context
                )
                # tr writes when its input has ended; closing says so.
                yield stream.send_all(b"hello\n")
                yield stream.close()

    def test_python_servers(self):
        threads = """
            import socket, ssl, sys
            certificate, key = sys.argv[1:]
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, key)
            listener = socket.create_server(("127.0.0.1", 0))
            print(listener.getsockname()[1])
            while True:
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as sock:
                    while data := sock.recv(65536):
                        sock.sendall(data)
        """
        loop = """
            import asyncio, ssl, sys
            certificate, key = sys.argv[1:]
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, key)

            async def echo(reader, writer):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
                writer.close()

            async def main():
                server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
                print(server.sockets[0].getsockname()[1])
                await server.serve_forever()

            asyncio.run(main())
        """
        for script in threads, loop:
            with Script(script, localhost().certificate, localhost().key) as peer:
                for version in VERSIONS:
                    for _ in range(2):
                        yield self.exchange(peer.port, version, data=BODY[:9999], expected=BODY[:9999])


main()
