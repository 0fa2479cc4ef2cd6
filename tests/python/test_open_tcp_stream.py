"""open_tcp_stream: happy eyeballs (RFC 8305), local addresses, failures."""

import contextlib
import errno
import os
import socket as std
import unittest

import tonio
from scenarios import Scenarios, main
from test_socket_tcp import has_ipv6, needs_localhost
from tonio import net
from tonio.net import _connect, socket


def tcp(address, port):
    """An entry as getaddrinfo gives it."""
    if ":" in address:
        return (std.AF_INET6, std.SOCK_STREAM, std.IPPROTO_TCP, "", (address, port, 0, 0))
    return (std.AF_INET, std.SOCK_STREAM, std.IPPROTO_TCP, "", (address, port))


@contextlib.contextmanager
def names(**hosts):
    """Meanwhile each name has the addresses that are given for it, and no other name is."""

    async def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
        if host in hosts:
            return [tcp(address, port) for address in hosts[host]]
        return std.getaddrinfo(host, port, family, type, proto, flags | std.AI_NUMERICHOST)

    real, socket.getaddrinfo = socket.getaddrinfo, getaddrinfo
    try:
        yield
    finally:
        socket.getaddrinfo = real


@contextlib.contextmanager
def attempts_of(connect):
    """Meanwhile connect(address) is what an attempt does first."""
    real = net.socket.socket.connect

    async def attempt(self, address):
        await connect(address[0])
        await real(self, address)

    net.socket.socket.connect = attempt
    try:
        yield
    finally:
        net.socket.socket.connect = real


class Order(unittest.TestCase):
    def order(self, *addresses):
        targets = _connect._interleaved([tcp(address, 80) for address in addresses])
        return [address[0] for _, _, _, address, _ in targets]

    def test_families_take_turns(self):
        self.assertEqual(
            self.order("::1", "::2", "::3", "127.0.0.1", "127.0.0.2"),
            ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"],
        )

    def test_the_resolver_s_first_is_first(self):
        self.assertEqual(self.order("127.0.0.1", "::1", "::2"), ["127.0.0.1", "::1", "::2"])

    def test_each_address_once(self):
        self.assertEqual(self.order("127.0.0.1", "127.0.0.1", "::1"), ["127.0.0.1", "::1"])


class Attempts(Scenarios):
    def listening(self, host="127.0.0.1"):
        server = std.create_server((host, 0))
        self.addCleanup(server.close)
        return server, server.getsockname()[1]

    def test_a_success_ends_the_waiting_at_once(self):
        _, port = self.listening()
        begun = []

        async def connect(host):
            begun.append(host)

        start = tonio.time.time()
        with names(host=["127.0.0.1", "127.0.0.2", "127.0.0.3"]), attempts_of(connect):
            (yield net.open_tcp_stream("host", port, happy_eyeballs_delay=30)).close()
        self.assertLess(tonio.time.time() - start, 10)
        self.assertEqual(begun, ["127.0.0.1"])

    def test_the_next_begins_when_one_fails(self):
        _, port = self.listening("127.0.0.3")
        start = tonio.time.time()
        with names(host=["127.0.0.1", "127.0.0.2", "127.0.0.3"]):
            with (yield net.open_tcp_stream("host", port, happy_eyeballs_delay=30)) as stream:
                self.assertEqual(stream.socket.getpeername()[0], "127.0.0.3")
        self.assertLess(tonio.time.time() - start, 10)

    def test_the_next_begins_after_the_delay(self):
        _, port = self.listening("127.0.0.2")
        cancelled = []

        async def connect(host):
            if host == "127.0.0.1":
                try:
                    await tonio.Event().wait()
                finally:
                    cancelled.append(host)

        start = tonio.time.time()
        with names(host=["127.0.0.1", "127.0.0.2"]), attempts_of(connect):
            with (yield net.open_tcp_stream("host", port, happy_eyeballs_delay=0.05)) as stream:
                self.assertEqual(stream.socket.getpeername()[0], "127.0.0.2")
        self.assertGreaterEqual(tonio.time.time() - start, 0.05)
        # The slow one has ended, too.
        self.assertEqual(cancelled, ["127.0.0.1"])

    def test_losers_are_closed(self):
        _, port = self.listening("0.0.0.0")
        everybody = tonio.Event()
        waiting = []

        async def connect(host):
            waiting.append(host)
            if len(waiting) == 5:
                everybody.set()
            await everybody.wait()

        before = set(os.listdir("/proc/self/fd"))
        with names(host=[f"127.0.0.{n}" for n in range(1, 6)]), attempts_of(connect):
            with (yield net.open_tcp_stream("host", port, happy_eyeballs_delay=0)) as stream:
                yield stream.send_all(b"the winner is usable")
        # A closed descriptor may need a turn of the reactor.
        for _ in range(100):
            if set(os.listdir("/proc/self/fd")) <= before:
                break
            yield tonio.sleep(0.01)
        self.assertLessEqual(set(os.listdir("/proc/self/fd")), before)

    def test_all_fail(self):
        with std.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            with names(host=["127.0.0.1", "127.0.0.2"]):
                with self.assertRaises(ConnectionRefusedError) as caught:
                    yield net.open_tcp_stream("host", port)
            self.assertIn(f"all attempts to connect to host:{port} failed", str(caught.exception))
            causes = caught.exception.__cause__.exceptions
            self.assertEqual(
                [cause.__notes__ for cause in causes],
                [[f"connecting to 127.0.0.{n} port {port}"] for n in (1, 2)],
            )
            with self.assertRaises(ConnectionRefusedError) as caught:
                yield net.open_tcp_stream("127.0.0.1", port)
            self.assertEqual(caught.exception.errno, errno.ECONNREFUSED)

    def test_cancelled(self):
        async def connect(host):
            await tonio.Event().wait()

        before = len(os.listdir("/proc/self/fd"))
        with names(host=["127.0.0.1", "127.0.0.2"]), attempts_of(connect):
            opening = net.open_tcp_stream("host", 80, happy_eyeballs_delay=0)
            self.assertEqual((yield tonio.time.timeout(opening, 0.02)), (None, False))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_a_local_address(self):
        server, port = self.listening()
        with (yield net.open_tcp_stream("127.0.0.1", port, local_address="127.0.0.9")) as stream:
            self.assertEqual(stream.socket.getsockname()[0], "127.0.0.9")
            connection, address = server.accept()
            connection.close()
            self.assertEqual(address[0], "127.0.0.9")

    def test_a_local_address_chooses_the_family(self):
        _, port = self.listening()
        with names(host=["::1", "127.0.0.1"]):
            opening = net.open_tcp_stream("host", port, local_address="127.0.0.1")
            with (yield opening) as stream:
                self.assertEqual(stream.socket.family, std.AF_INET)
        with self.assertRaisesRegex(OSError, "local_address '::1' is of another family"):
            yield net.open_tcp_stream("127.0.0.1", port, local_address="::1")

    def test_a_local_address_that_is_not_ours(self):
        _, port = self.listening()
        with self.assertRaises(OSError) as caught:
            yield net.open_tcp_stream("127.0.0.1", port, local_address="192.0.2.1")
        self.assertEqual(caught.exception.errno, errno.EADDRNOTAVAIL)

    def test_localhost(self):
        needs_localhost(self)
        _, port = self.listening()
        with (yield net.open_tcp_stream("localhost", port)) as stream:
            self.assertEqual(stream.socket.getpeername()[1], port)
        with (yield net.open_tcp_stream(b"localhost", port)):
            pass

    @unittest.skipUnless(has_ipv6(), "no IPv6 here: ::1 can't be bound")
    def test_a_scoped_address(self):
        with std.create_server(("::1", 0), family=std.AF_INET6) as server:
            with (yield net.open_tcp_stream("::1%1", server.getsockname()[1])) as stream:
                self.assertEqual(stream.socket.getpeername()[0], "::1")

    def test_what_it_takes(self):
        for error, arguments in [
            (TypeError, (5, 80)),
            (TypeError, ("127.0.0.1", "80")),
            (TypeError, ("127.0.0.1", True)),
        ]:
            with self.assertRaises(error):
                yield net.open_tcp_stream(*arguments)
        with self.assertRaisesRegex(ValueError, "happy_eyeballs_delay"):
            yield net.open_tcp_stream("127.0.0.1", 80, happy_eyeballs_delay=-1)
        with self.assertRaisesRegex(TypeError, "happy_eyeballs_delay must be a number"):
            yield net.open_tcp_stream("127.0.0.1", 80, happy_eyeballs_delay="1")
        with self.assertRaisesRegex(OverflowError, "0 to 65535"):
            yield net.open_tcp_stream("127.0.0.1", 70000)


class UnixSockets(Scenarios):
    def test_nobody_there(self):
        with self.assertRaises(FileNotFoundError):
            yield net.open_unix_socket("/nowhere/at/all")


if __name__ == "__main__":
    main()
