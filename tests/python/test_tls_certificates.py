"""Certificates that are made by openssl: good ones are accepted, each bad one is refused
with its reason, by our client and by our server; and what TLSContext loads."""

import datetime
import os
import ssl

import tonio
from certificates import Authority, openssl
from scenarios import Scenarios, main
from tls_servers import authority, client_context, localhost, only, server_context
from tonio import net
from tonio.exceptions import ResourceBroken
from tonio.net import socket, tls

NOW = datetime.datetime.now(datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)


class Certificates(Scenarios):
    def shake(self, client_side, server_side, name="localhost"):
        """The handshake of both: two outcomes, each None or the reason of its failure."""
        first, second = map(net.SocketStream, socket.socketpair())
        client = tls.TLSStream(first, client_side, server_hostname=name)
        server = tls.TLSStream(second, server_side, server_side=True)

        @self.task
        def attempt(stream):
            try:
                yield stream.handshake()
                if stream is client and stream.version() == "TLSv1.3":
                    # A client's certificate is refused after the client's handshake.
                    yield stream.receive_some()
                elif stream is server:
                    yield stream.send_all(b"done")
                    return None
            except ResourceBroken as failure:
                stream.transport.close()
                return str(failure)

        outcome = yield tonio.spawn(attempt(client), attempt(server))
        first.close()
        second.close()
        return outcome

    def refused(self, issued, reason, name="localhost"):
        """By our client, of our server and of OpenSSL's."""
        openssls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # It shows weak certificates, too.
        openssls.set_ciphers("DEFAULT:@SECLEVEL=0")
        openssls.load_cert_chain(issued.chain, issued.key)
        for version in "TLSv1.2", "TLSv1.3":
            for server_side in server_context(issued), openssls:
                client_side = client_context(**only(version))
                told, server_told = yield self.shake(client_side, server_side, name)
                if "key usage" in reason and server_side is not openssls:
                    # Our server does not even show such a certificate.
                    self.assertEqual(told, "the peer refused: handshake failure")
                    continue
                self.assertEqual(told, reason, version)
                self.assertRegex(server_told, "^the peer refused: |alert|ended the connection")

    def test_expired(self):
        issued = authority().issue("localhost", start=NOW - 9 * HOUR, end=NOW - HOUR)
        yield self.refused(issued, "certificate has expired (CN=localhost)")

    def test_not_yet_valid(self):
        issued = authority().issue("localhost", start=NOW + HOUR, end=NOW + 9 * HOUR)
        yield self.refused(issued, "certificate is not yet valid (CN=localhost)")

    def test_wrong_name(self):
        issued = authority().issue("example.org", "*.example.org", "192.0.2.1")
        for name in "localhost", "example.com", "a.b.example.org", "192.0.2.2":
            reason = f"certificate is not valid for '{name}' (CN=example.org)"
            yield self.refused(issued, reason, name)
        for name in "example.org", "EXAMPLE.org", "www.example.org", "192.0.2.1":
            outcome = yield self.shake(client_context(), server_context(issued), name)
            self.assertEqual(outcome, [None, None], name)

    def test_international_names(self):
        issued = authority().issue("xn--bcher-kva.example")
        outcome = yield self.shake(client_context(), server_context(issued), "bücher.example")
        self.assertEqual(outcome, [None, None])

    def test_unknown_issuer(self):
        issued = Authority("Somebody else").issue("localhost")
        yield self.refused(issued, "certificate has an unknown issuer (CN=localhost)")

    def test_weak_hash(self):
        issued = authority().issue("localhost", digest="sha1")
        reason = "certificate is signed with a hash that is too weak (CN=localhost)"
        yield self.refused(issued, reason)

    def test_weak_key(self):
        issued = authority().issue("localhost", key="rsa1024")
        yield self.refused(issued, "certificate has a key that is too weak (CN=localhost)")

    def test_wrong_key_usage(self):
        issued = authority().issue("localhost", key="rsa", usage="keyEncipherment")
        yield self.refused(
            issued, "certificate's key usage does not allow this use (CN=localhost)"
        )
        issued = authority().issue("localhost", extended="clientAuth")
        yield self.refused(
            issued, "certificate's extended key usage does not allow this use (CN=localhost)"
        )

    def test_revoked(self):
        revoked = Authority("Careful authority")
        issued = revoked.issue("localhost")
        context = client_context(revoked)
        outcome = yield self.shake(context, server_context(issued))
        self.assertEqual(outcome, [None, None])
        context.load_verify_locations(revoked.revoke(issued))
        told, _ = yield self.shake(context, server_context(issued))
        self.assertEqual(told, "certificate has been revoked (CN=localhost)")

    def test_chains(self):
        middle = Authority("Intermediate", authority())
        issued = middle.issue("localhost")
        outcome = yield self.shake(client_context(), server_context(issued))
        self.assertEqual(outcome, [None, None])
        # Without the intermediate the chain has a gap.
        context = tls.TLSContext(server_side=True)
        context.load_cert_chain(issued.certificate, issued.key)
        told, _ = yield self.shake(client_context(), context)
        self.assertEqual(told, "certificate has an unknown issuer (CN=localhost)")
        # In the wrong order.
        swapped = middle.chain.read_bytes() + issued.certificate.read_bytes()
        with self.assertRaisesRegex(ValueError, r"certificate 2 of the chain \(CN=localhost\)"):
            context.load_cert_chain(swapped, issued.key)

    def test_the_order_of_a_chain(self):
        # Each certificate must be followed by its issuer (RFC 5246, section 7.4.2); the root,
        # which the client has, may follow or not.
        upper = Authority("Upper", authority())
        lower = Authority("Lower", upper)
        issued = lower.issue("localhost")
        own, first, second, root = (
            of.certificate.read_bytes() for of in (issued, lower, upper, authority())
        )
        ordered, swapped = own + first + second, own + second + first
        for chain, reason in (
            (ordered, None),
            (ordered + root, None),
            (swapped, "certificate has an unknown issuer (CN=Lower)"),
        ):
            file = issued.chain
            file.write_bytes(chain)
            openssls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            openssls.load_cert_chain(file, issued.key)
            for version in "TLSv1.2", "TLSv1.3":
                for server_side in server_context(issued), openssls:
                    told, _ = yield self.shake(client_context(**only(version)), server_side)
                    self.assertEqual(told, reason, version)

    def test_a_revoked_intermediate(self):
        root = Authority("Root that revokes")
        middle = Authority("Revoked intermediate", root)
        issued = middle.issue("localhost")
        context = client_context(root)
        outcome = yield self.shake(context, server_context(issued))
        self.assertEqual(outcome, [None, None])
        context.load_verify_locations(root.revoke(middle))
        told, _ = yield self.shake(context, server_context(issued))
        self.assertEqual(told, "certificate has been revoked (CN=Revoked intermediate)")

    def test_addresses_with_a_zone(self):
        # The zone means something to the client's machine only.
        issued = authority().issue("fe80::1")
        for client_side in client_context(), ssl.create_default_context(
            cafile=authority().certificate
        ):
            for name in "fe80::1%lo", "fe80::1":
                outcome = yield self.shake(client_side, server_context(issued), name)
                self.assertEqual(outcome, [None, None], name)

    def test_client_certificates(self):
        for version in "TLSv1.2", "TLSv1.3":
            for mode in ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED:
                server_side = server_context(verify_mode=mode)
                server_side.load_verify_locations(authority().certificate)
                for issued, reason in (
                    (authority().issue("client", extended="clientAuth"), None),
                    (
                        Authority("Somebody else").issue("client"),
                        "certificate has an unknown issuer (CN=client)",
                    ),
                    (
                        authority().issue("client", end=NOW - HOUR, start=NOW - 2 * HOUR),
                        "certificate has expired (CN=client)",
                    ),
                    (
                        authority().issue("client", extended="serverAuth"),
                        "certificate's extended key usage does not allow this use (CN=client)",
                    ),
                    (
                        authority().issue("client", digest="sha1"),
                        "certificate is signed with a hash that is too weak (CN=client)",
                    ),
                    (
                        authority().issue("client", key="rsa1024"),
                        "certificate has a key that is too weak (CN=client)",
                    ),
                ):
                    client_side = client_context(**only(version))
                    client_side.load_cert_chain(issued.chain, issued.key)
                    told, server_told = yield self.shake(client_side, server_side)
                    self.assertEqual(server_told, reason)
                    self.assertEqual(told is None, reason is None, told)
                told, server_told = yield self.shake(client_context(**only(version)), server_side)
                missing = "the client sent no certificate"
                self.assertEqual(server_told, missing if mode == ssl.CERT_REQUIRED else None)

    def test_names_choose_the_certificate(self):
        context = server_context(authority().issue("one.example"))
        for name, key in ("two.example", "ec"), ("two.example", "rsa"), ("*.example", "ec"):
            issued = authority().issue(name, key=key)
            context.load_cert_chain(issued.chain, issued.key)
        for name in "one.example", "two.example", "three.example":
            outcome = yield self.shake(client_context(), context, name)
            self.assertEqual(outcome, [None, None], name)

    def test_the_systems_trust_store(self):
        # It is read from where OpenSSL's users look, too.
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(authority().certificate)
        try:
            outcome = yield self.shake(tls.TLSContext(), server_context())
        finally:
            if before is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = before
        self.assertEqual(outcome, [None, None])
        told, _ = yield self.shake(tls.TLSContext(), server_context())
        self.assertEqual(told, "certificate has an unknown issuer (CN=localhost)")
        context = tls.TLSContext()
        context.load_default_certs()
        self.assertGreater(len(context.get_ca_certs()), 10)

    def test_a_trust_store_that_can_not_be_read(self):
        before = {name: os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
        os.environ.update(SSL_CERT_FILE="/nonexistent/file", SSL_CERT_DIR="/nonexistent/folder")
        try:
            with self.assertRaisesRegex(
                OSError, r"/nonexistent/file and /nonexistent/folder \(No such file or directory\)"
            ):
                tls.TLSContext().load_default_certs()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        tls.TLSContext().load_default_certs()
        yield tonio.sleep(0)

    def test_verification_switched_off(self):
        issued = Authority("Somebody else").issue("elsewhere")
        context = tls.TLSContext()
        with self.assertRaisesRegex(ValueError, "check_hostname"):
            context.verify_mode = ssl.CERT_NONE
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        outcome = yield self.shake(context, server_context(issued), None)
        self.assertEqual(outcome, [None, None])

    def test_versions(self):
        told, server_told = yield self.shake(
            client_context(**only("TLSv1.2")), server_context(**only("TLSv1.3"))
        )
        self.assertEqual(told, "the peer refused: protocol version not supported")
        self.assertEqual(server_told, "no TLS version in common with the peer")

    def test_kinds_of_key_files(self):
        for kind in "ec", "rsa":
            issued = authority().issue("localhost", key=kind)
            folder = issued.key.parent
            der_certificate, der_key = folder / "certificate.der", folder / "key.der"
            openssl("x509", "-in", issued.certificate, "-outform", "DER", "-out", der_certificate)
            openssl("pkey", "-in", issued.key, "-outform", "DER", "-out", der_key)
            encrypted, old = folder / "encrypted.pem", folder / "old.pem"
            openssl(
                *("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", issued.key),
                *("-passout", "pass:secret", "-out", encrypted),
            )
            openssl(
                *(kind, "-aes128", "-in", issued.key, "-passout", "pass:secret", "-out", old),
            )
            both = issued.key.read_bytes() + issued.certificate.read_bytes()
            for arguments in (
                (der_certificate, der_key),
                (issued.certificate, encrypted, "secret"),
                (issued.certificate, encrypted, lambda: b"secret"),
                (issued.certificate, old, "secret"),
                (both,),
            ):
                context = tls.TLSContext(server_side=True)
                context.load_cert_chain(*arguments)
                outcome = yield self.shake(client_context(), context)
                self.assertEqual(outcome, [None, None])
            context = tls.TLSContext(server_side=True)
            with self.assertRaisesRegex(ValueError, "encrypted: give its password"):
                context.load_cert_chain(issued.certificate, encrypted)
            for file in encrypted, old:
                with self.assertRaisesRegex(ValueError, "password does not decrypt"):
                    context.load_cert_chain(issued.certificate, file, "wrong")

    def test_bad_files(self):
        context = tls.TLSContext(server_side=True)
        with self.assertRaises(FileNotFoundError):
            context.load_cert_chain("/nonexistent/certificate.pem")
        with self.assertRaisesRegex(ValueError, r"certificate\.pem: there is no private key in it"):
            context.load_cert_chain(localhost().certificate)
        with self.assertRaisesRegex(ValueError, r"does not belong to the certificate \(CN=loc"):
            context.load_cert_chain(localhost().certificate, authority().key)
        with self.assertRaisesRegex(ValueError, "not a certificate that can be read"):
            context.load_verify_locations(cadata=b"nonsense")
        with self.assertRaisesRegex(ValueError, "no certificate and no revocation list"):
            context.load_verify_locations(localhost().key)
        with self.assertRaises(TypeError):
            context.load_verify_locations()
        for name, value in (
            ("verify_mode", 7),
            ("minimum_version", "SSLv3"),
            ("maximum_version", ssl.TLSVersion.TLSv1_1),
        ):
            with self.assertRaisesRegex(ValueError, name):
                setattr(context, name, value)
        for protocols in [""], ["x" * 256], [b"a\0b"]:
            with self.assertRaisesRegex(ValueError, "ALPN"):
                context.set_alpn_protocols(protocols)
        with self.assertRaises(TypeError):
            context.set_alpn_protocols("h2")
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
        self.assertEqual(context.minimum_version, ssl.TLSVersion.TLSv1_3)
        # A number is no descriptor to read from.
        for load in context.load_cert_chain, context.load_verify_locations:
            with self.assertRaisesRegex(TypeError, "not int"):
                load(0)
        with self.assertRaisesRegex(TypeError, "cadata must be str or bytes, not int"):
            context.load_verify_locations(cadata=5)
        with self.assertRaisesRegex(ValueError, "minimum_version"):
            context.minimum_version = []
        with self.assertRaisesRegex(TypeError, "a name must be str, not int"):
            tls.self_signed_certificate(5)
        for days in 0, -1, 1e300, float("nan"):
            with self.assertRaisesRegex(ValueError, "days"):
                tls.self_signed_certificate("localhost", days=days)
        for names in (), ("a,b",), ("x" * 65,):
            with self.assertRaisesRegex(ValueError, "name"):
                tls.self_signed_certificate(*names)
        yield tonio.sleep(0)


main()
