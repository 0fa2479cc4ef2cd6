"""The samples that speak TLS, with openssl, curl and Python's ssl."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from sample import TIMEOUT, Server, main


def needs(test, program):
    path = shutil.which(program)
    if not path:
        test.skipTest(f"{program} is not installed")
    return path


class TLS(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tonio-sample-")
        self.addCleanup(folder.cleanup)
        self.certificate = os.path.join(folder.name, "certificate.pem")

    def connect(self, server, version):
        context = ssl.create_default_context(cafile=self.certificate)
        context.minimum_version = context.maximum_version = version
        plain = socket.create_connection(server.address, TIMEOUT)
        return context.wrap_socket(plain, server_hostname="localhost")


class Echo(TLS):
    def test_both_versions(self):
        for threads in ("1", "2"):
            with Server(
                "tls_echo.py", "--certificate-file", self.certificate, threads=threads
            ) as server:
                # One that does not mean TLS, and one that says nothing.
                garbage = socket.create_connection(server.address, TIMEOUT)
                garbage.sendall(b"hello\n")
                silent = socket.create_connection(server.address, TIMEOUT)
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    data = os.urandom(300_000)
                    with self.connect(server, version) as client:
                        client.settimeout(TIMEOUT)
                        for start in range(0, len(data), 30_000):
                            piece = data[start : start + 30_000]
                            client.sendall(piece)
                            got = b""
                            while len(got) < len(piece):
                                got += client.recv(65536)
                            self.assertEqual(got, piece)
                garbage.close()
                silent.close()

    def test_openssl(self):
        openssl = needs(self, "openssl")
        with Server("tls_echo.py", "--certificate-file", self.certificate) as server:
            host, port = server.address
            with subprocess.Popen(
                [openssl, "s_client", "-connect", f"{host}:{port}", "-quiet",
                 "-CAfile", self.certificate, "-verify_return_error"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            ) as client:
                client.stdin.write(b"hello\n")
                client.stdin.flush()
                self.assertEqual(client.stdout.readline(), b"hello\n")
                client.kill()


class HTTPS(TLS):
    def test_curl_over_both_versions(self):
        curl = needs(self, "curl")
        with Server("http_hello.py", "--tls", self.certificate) as server:
            port = server.address[1]
            for limits in (["--tlsv1.3"], ["--tls-max", "1.2"]):
                done = subprocess.run(
                    [curl, "-sS", "-v", *limits, "--cacert", self.certificate,
                     f"https://localhost:{port}/", f"https://localhost:{port}/again"],
                    capture_output=True, text=True, timeout=TIMEOUT,
                )
                self.assertEqual(done.stdout, "Hello, world!\n" * 2, done.stderr)
                self.assertIn("SSL connection using " + ("TLSv1.3" if limits[0] == "--tlsv1.3" else "TLSv1.2"),
                              done.stderr)
                # Both requests went through one connection.
                self.assertRegex(done.stderr, "Re-?using existing (https: )?connection")

    def test_python(self):
        with Server("http_hello.py", "--tls", self.certificate) as server:
            context = ssl.create_default_context(cafile=self.certificate)
            connection = http.client.HTTPSConnection(
                "127.0.0.1", server.address[1], context=context, timeout=TIMEOUT
            )
            for headers in {}, {}, {"Connection": "close"}:
                connection.request("GET", "/", headers=headers)
                self.assertEqual(connection.getresponse().read(), b"Hello, world!\n")
            connection.close()


if __name__ == "__main__":
    main()
