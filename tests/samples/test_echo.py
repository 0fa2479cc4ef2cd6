"""samples/echo_server.py with clients that are not ours."""

import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from sample import Server, main, run_sample

THREADS = ("1", "2")
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a reset


def exchange(client, data):
    """Sends and receives at the same time, so that no buffer can fill up for good."""
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    received = bytearray()
    while len(received) < len(data):
        chunk = client.recv(1 << 20)
        if not chunk:
            break
        received += chunk
    sender.join()
    return bytes(received)


def wait_for(condition):
    """Until something outside of this process, which tells nobody, has come about."""
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it never came about")
        time.sleep(0.01)


class EchoServer(unittest.TestCase):
    def on_each(self, test):
        for threads in THREADS:
            with self.subTest(threads=threads), Server("echo_server.py", threads=threads) as server:
                test(server)

    def test_a_plain_python_client(self):
        def test(server):
            with socket.create_connection(server.address, 30) as client:
                for number in range(100):
                    message = b"message %d" % number
                    self.assertEqual(exchange(client, message), message)
                large = bytes(range(256)) * 20_000
                self.assertTrue(exchange(client, large) == large)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(1), b"")

        self.on_each(test)

    def test_netcat(self):
        netcat = shutil.which("nc")
        if not netcat:
            self.skipTest("nc is not installed")
        # The flag that ends the connection at the end of the input has another name in each.
        usage = subprocess.run([netcat, "-h"], capture_output=True, text=True)
        flags = ["-N"] if "-N" in usage.stdout + usage.stderr else ["-q", "1"]
        self.on_each(lambda server: self.pipe_through([netcat, *flags, *map(str, server.address)]))

    def test_socat(self):
        socat = shutil.which("socat")
        if not socat:
            self.skipTest("socat is not installed")
        self.on_each(lambda server: self.pipe_through(
            [socat, "-t5", "-", "TCP:{}:{}".format(*server.address)]))

    def pipe_through(self, command):
        lines = b"".join(b"line %d\n" % number for number in range(20_000))
        done = subprocess.run(command, input=lines, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout == lines)

    def test_our_own_client(self):
        def test(server):
            host, port = server.address
            out = run_sample("echo_client.py", "--host", host, "--port", str(port),
                             "--connections", "20", "--messages", "20", threads="2")
            self.assertRegex(out, r"\A400 echoes in ")

        self.on_each(test)

    def test_500_connections_at_once(self):
        def test(server):
            clients = [socket.create_connection(server.address, 30) for _ in range(500)]
            for _ in range(3):
                for number, client in enumerate(clients):
                    client.sendall(b"%d" % number)
                for number, client in enumerate(clients):
                    self.assertEqual(client.recv(100), b"%d" % number)
            for client in clients:
                client.close()
            wait_for(lambda: server.descriptors() < 100)

        self.on_each(test)

    def test_clients_that_vanish(self):
        def test(server):
            before = server.descriptors()
            with socket.create_connection(server.address, 30) as faithful:
                for number in range(200):
                    client = socket.create_connection(server.address, 30)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    if number % 3:
                        # Its echo finds nobody, or is cut off half-way.
                        client.setblocking(False)
                        try:
                            client.send(b"x" * 2_000_000)
                        except BlockingIOError:
                            pass
                    client.close()
                    if number % 20 == 0:
                        self.assertEqual(exchange(faithful, b"still there"), b"still there")
            # No socket is left open, and nobody was told of any failure.
            wait_for(lambda: server.descriptors() <= before)
            code, out, err = server.end(signal.SIGTERM)
            self.assertEqual((code, out, err), (143, "stopped\n", ""))

        self.on_each(test)


class Load:
    """Clients that exchange numbered messages until the server ends."""

    def __init__(self, address, clients=20):
        self.exchanged = 0
        self.wrong = []
        self.sockets = [socket.create_connection(address, 30) for _ in range(clients)]
        self.threads = [threading.Thread(target=self.talk, args=(s,)) for s in self.sockets]
        for thread in self.threads:
            thread.start()

    def talk(self, client):
        number = 0
        try:
            while True:
                message = number.to_bytes(4) * 256
                client.sendall(message)
                echo = b""
                while len(echo) < len(message):
                    data = client.recv(4096)
                    # What the server sent before it ended is a part of what it got.
                    if not message.startswith(echo + data):
                        self.wrong.append((message, echo + data))
                    if not data:
                        return
                    echo += data
                number += 1
                self.exchanged += 1
        except ConnectionError:
            pass  # the server has ended
        finally:
            client.close()

    def join(self):
        for thread in self.threads:
            thread.join(30)


class StoppedUnderLoad(unittest.TestCase):
    def check(self, number, code):
        for threads in THREADS:
            with self.subTest(threads=threads), Server("echo_server.py", threads=threads) as server:
                load = Load(server.address)
                try:
                    wait_for(lambda: load.exchanged > 500)
                    ended, out, err = server.end(number)
                finally:
                    server.process.kill()
                    load.join()
                self.assertEqual((ended, out), (code, "stopped\n"))
                self.assertEqual(load.wrong, [])
                # A user who stops a server wants no traceback.
                self.assertIn(err, ("", "KeyboardInterrupt\n"))
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection(server.address)

    def test_by_sigint(self):
        self.check(signal.SIGINT, 130)

    def test_by_sigterm(self):
        self.check(signal.SIGTERM, 143)


class EchoClient(unittest.TestCase):
    def test_without_a_server(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            with self.assertRaisesRegex(AssertionError, "ended with 1: (?s:.*)ConnectionRefused"):
                run_sample("echo_client.py", "--port", str(unused.getsockname()[1]),
                           "--connections", "1")


if __name__ == "__main__":
    main()
