"""The network samples with peers that are not ours: sockets, nc, socat, curl."""

import http.client
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from sample import TIMEOUT, Server, clean_environment, command, main, run_sample

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a reset


def needs(test, program):
    path = shutil.which(program)
    if not path:
        test.skipTest(f"{program} is not installed")
    return path


def read_line(file):
    return file.readline().decode().rstrip("\n")


class Arguments(unittest.TestCase):
    def test_a_bad_port_gets_one_clear_message(self):
        for name in ("echo_server.py", "echo_client.py", "tcp_chat.py", "udp_echo.py",
                     "http_hello.py", "proxy.py"):
            for port in ("70000", "-1", "many", ""):
                with self.subTest(name=name, port=port):
                    done = subprocess.run(
                        command(name, f"--port={port}"), capture_output=True, text=True,
                        env=clean_environment(), timeout=TIMEOUT,
                    )
                    self.assertEqual((done.returncode, done.stdout), (2, ""))
                    error = done.stderr.splitlines()[-1]
                    self.assertIn("argument --port: must be a port number, 0 to 65535", error)
                    self.assertNotIn("Traceback", done.stderr)


class Chat(unittest.TestCase):
    def join(self, server, name):
        client = socket.create_connection(server.address, TIMEOUT)
        file = client.makefile("rb")
        self.assertEqual(file.read(6), b"name? ")
        client.sendall(name.encode() + b"\n")
        self.assertEqual(read_line(file), f"* {name} has come")
        self.addCleanup(client.close)
        self.addCleanup(file.close)
        return client, file

    def test_everybody_hears_everything_in_one_order(self):
        for threads in ("1", "2"):
            with Server("tcp_chat.py", threads=threads) as server:
                members = []
                for number in range(20):
                    members.append(self.join(server, f"m{number}"))
                    for _, file in members[:-1]:
                        self.assertEqual(read_line(file), f"* m{number} has come")
                for number, (client, _) in enumerate(members):
                    client.sendall(b"hello from %d\r\n" % number)
                heard = [[read_line(file) for _ in range(19)] for _, file in members]
                said = sorted(f"m{n}: hello from {n}" for n in range(20))
                for number, lines in enumerate(heard):
                    own = f"m{number}: hello from {number}"
                    self.assertEqual(sorted([*lines, own]), said)
                # The order is the same for all, but for what each has said itself.
                for number, lines in enumerate(heard):
                    one = f"m{number}: hello from {number}"
                    zero = "m0: hello from 0"
                    self.assertEqual(
                        [line for line in lines if line != zero],
                        [line for line in heard[0] if line != one],
                    )
                members[0][0].close()
                members[0][1].close()
                for _, file in members[1:]:
                    self.assertEqual(read_line(file), "* m0 has left")

    def test_netcat(self):
        netcat = needs(self, "nc")
        with Server("tcp_chat.py") as server:
            client, file = self.join(server, "witness")
            # It goes when its input ends, so the answers are not waited for.
            subprocess.run([netcat, "-w", "2", *map(str, server.address)], timeout=TIMEOUT,
                           input=b"cat\nmeow\n", capture_output=True)
            lines = [read_line(file) for _ in range(3)]
            self.assertEqual(lines, ["* cat has come", "cat: meow", "* cat has left"])

    def test_bad_clients_disturb_nobody(self):
        with Server("tcp_chat.py") as server:
            client, file = self.join(server, "good")
            silent = socket.create_connection(server.address, TIMEOUT)
            rude, rude_file = self.join(server, "rude")
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            rude_file.close()
            rude.close()
            # Who comes before the room knows of the reset hears of it too.
            for line in ("* rude has come", "* rude has left"):
                self.assertEqual(read_line(file), line)
            endless, endless_file = self.join(server, "endless")
            endless.sendall(b"x" * 2000)
            self.assertEqual(read_line(endless_file), "* that line is too long")
            for line in ("* endless has come", "* endless has left"):
                self.assertEqual(read_line(file), line)
            silent.close()
            code, _, err = server.end(signal.SIGTERM)
            self.assertEqual((code, err), (143, ""))

    def test_a_client_that_does_not_read_is_dropped(self):
        with Server("tcp_chat.py", threads="2") as server:
            slow, slow_file = self.join(server, "slow")
            client, file = self.join(server, "talker")
            flood = threading.Thread(target=self.talk, args=(client,))
            flood.start()
            while read_line(file) != "* slow has left":
                pass
            flood.join()

    def talk(self, client):
        for _ in range(20_000):
            client.sendall(b"y" * 900 + b"\n")


class UdpEcho(unittest.TestCase):
    def test_many_datagrams(self):
        for threads in ("1", "2"):
            with Server("udp_echo.py", threads=threads) as server:
                with socket.socket(type=socket.SOCK_DGRAM) as client:
                    client.settimeout(TIMEOUT)
                    for number in range(200):
                        client.sendto(b"%d" % number, server.address)
                        self.assertEqual(client.recvfrom(100), (b"%d" % number, server.address))
                    client.sendto(b"", server.address)
                    self.assertEqual(client.recv(100), b"")
                    large = os.urandom(60_000)
                    client.sendto(large, server.address)
                    self.assertTrue(client.recv(65535) == large)
                # Answers that find nobody end nothing.
                for _ in range(20):
                    with socket.socket(type=socket.SOCK_DGRAM) as gone:
                        gone.sendto(b"x", server.address)
                with socket.socket(type=socket.SOCK_DGRAM) as client:
                    client.settimeout(TIMEOUT)
                    client.sendto(b"still there", server.address)
                    self.assertEqual(client.recv(100), b"still there")

    def test_socat(self):
        socat = needs(self, "socat")
        with Server("udp_echo.py") as server:
            done = subprocess.run([socat, "-t1", "-", "UDP:{}:{}".format(*server.address)],
                                  input=b"datagram", capture_output=True, timeout=TIMEOUT)
            self.assertEqual((done.returncode, done.stdout), (0, b"datagram"))


class UnixEcho(unittest.TestCase):
    def test_socat(self):
        socat = needs(self, "socat")
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            path = os.path.join(folder, "echo")
            with Server("unix_echo.py", listen=(path,)) as server:
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
                data = os.urandom(1_000_000)
                done = subprocess.run([socat, "-t5", "-", f"UNIX:{path}"], input=data,
                                      capture_output=True, timeout=TIMEOUT)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertTrue(done.stdout == data)
                code, _, err = server.end(signal.SIGTERM)
                self.assertEqual((code, err), (143, ""))
            self.assertFalse(os.path.exists(path))


class HttpHello(unittest.TestCase):
    def test_keep_alive(self):
        for threads in ("1", "2"):
            with Server("http_hello.py", threads=threads) as server:
                connection = http.client.HTTPConnection(*server.address, timeout=TIMEOUT)
                for method, body in [("GET", b"Hello, world!\n"), ("HEAD", b"")] * 20:
                    connection.request(method, "/")
                    response = connection.getresponse()
                    self.assertEqual((response.status, response.read()), (200, body))
                    self.assertEqual(response.headers["Content-Length"], "14")
                connection.close()

    def test_curl(self):
        curl = needs(self, "curl")
        with Server("http_hello.py") as server:
            url = "http://{}:{}/".format(*server.address)
            for flags, connects in ([], "0"), (["--http1.0"], "1"):
                done = subprocess.run(
                    [curl, "-sS", "-w", "%{num_connects}", *flags, url, url],
                    capture_output=True, text=True, timeout=TIMEOUT,
                )
                expected = f"Hello, world!\n1Hello, world!\n{connects}"
                self.assertEqual((done.returncode, done.stdout), (0, expected))

    def raw(self, server, data, parts=1):
        """All that the server says until it closes the connection."""
        with socket.create_connection(server.address, TIMEOUT) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            size = -(-len(data) // parts)
            for start in range(0, len(data), size):
                client.sendall(data[start:start + size])
            received = b""
            while chunk := client.recv(65536):
                received += chunk
        return received

    def test_pipelined_and_in_parts(self):
        request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with Server("http_hello.py") as server:
            for parts in (1, 7, 100):
                said = self.raw(server, request * 10 + last, parts)
                self.assertEqual(said.count(b"HTTP/1.1 200 OK"), 11)
                self.assertEqual(said.count(b"Connection: close"), 1)

    def test_bad_requests(self):
        with Server("http_hello.py") as server:
            for request, status in [
                (b"nonsense\r\n\r\n", b"400"),
                (b"GET /\r\n\r\n", b"400"),
                (b"GET / HTTP/1.1\r\n\r\n", b"400"),
                (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", b"400"),
                (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"505"),
                (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000, b"431"),
                (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", b"413"),
                (b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"501"),
            ]:
                said = self.raw(server, request)
                self.assertTrue(said.startswith(b"HTTP/1.1 " + status), (request[:50], said))
                self.assertIn(b"Connection: close", said)
            self.assertEqual(server.end(signal.SIGTERM)[2], "")


class PortScanner(unittest.TestCase):
    def test_finds_what_listens(self):
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        ports = sorted(server.getsockname()[1] for server in servers)
        out = run_sample("port_scanner.py", "127.0.0.1", f"{ports[0]}-{ports[-1]}")
        found = [int(line) for line in out.split()]
        self.assertLessEqual(set(ports), set(found))
        self.assertEqual(found, sorted(found))
        for server in servers:
            server.close()
        # One port, and nobody there.
        self.assertEqual(run_sample("port_scanner.py", "127.0.0.1", str(ports[0])), "")

    def test_bad_arguments(self):
        for args, message in [
            (("127.0.0.1", "80-70000"), "must be a port number"),
            (("127.0.0.1", "90-80"), "is no range"),
            (("name.invalid", "80"), "name.invalid: "),
        ]:
            done = subprocess.run(command("port_scanner.py", *args), capture_output=True,
                                  text=True, env=clean_environment(), timeout=TIMEOUT)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(message, done.stderr.splitlines()[-1])


class Proxy(unittest.TestCase):
    def test_half_close(self):
        """A server that answers when it has read all."""
        listener = socket.create_server(("127.0.0.1", 0))
        data = os.urandom(3_000_000)

        def serve():
            connection, _ = listener.accept()
            received = b"".join(iter(lambda: connection.recv(65536), b""))
            connection.sendall(received[::-1])
            connection.close()

        target = "{}:{}".format(*listener.getsockname())
        for threads in ("1", "2"):
            with Server("proxy.py", target, threads=threads) as server:
                serving = threading.Thread(target=serve)
                serving.start()
                with socket.create_connection(server.address, TIMEOUT) as client:
                    client.sendall(data)
                    client.shutdown(socket.SHUT_WR)
                    received = b"".join(iter(lambda: client.recv(65536), b""))
                serving.join()
                self.assertTrue(received == data[::-1])
        listener.close()

    def test_in_front_of_another_sample(self):
        curl = needs(self, "curl")
        with Server("http_hello.py") as http_server:
            with Server("proxy.py", "{}:{}".format(*http_server.address)) as proxy:
                url = "http://{}:{}/".format(*proxy.address)
                done = subprocess.run([curl, "-sS", url, url], capture_output=True, text=True,
                                      timeout=TIMEOUT)
                self.assertEqual(done.stdout, "Hello, world!\n" * 2)

    def test_nobody_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            target = "{}:{}".format(*unused.getsockname())
            with Server("proxy.py", target) as server:
                with socket.create_connection(server.address, TIMEOUT) as client:
                    self.assertEqual(client.recv(1), b"")
                _, _, err = server.end(signal.SIGTERM)
                self.assertIn(f"{target}: [Errno 111] Connection refused", err)

    def test_resets_end_both_sides(self):
        listener = socket.create_server(("127.0.0.1", 0))
        with Server("proxy.py", "{}:{}".format(*listener.getsockname())) as server:
            for _ in range(20):
                client = socket.create_connection(server.address, TIMEOUT)
                client.sendall(b"x")
                connection, _ = listener.accept()
                self.assertEqual(connection.recv(1), b"x")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
                connection.settimeout(TIMEOUT)
                self.assertEqual(connection.recv(1), b"")
                connection.close()
            self.assertEqual(server.end(signal.SIGTERM)[2], "")
        listener.close()


if __name__ == "__main__":
    main()
