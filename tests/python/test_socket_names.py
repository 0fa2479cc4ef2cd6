"""Lookups of names: tonio.net.socket's getaddrinfo and its kin."""

import contextlib
import enum
import socket as std
import threading
import traceback

import tonio
from programs import run_program
from scenarios import Scenarios, main
from test_socket_tcp import needs_localhost
from tonio.net import _names, socket


@contextlib.contextmanager
def standard_library(**functions):
    """Meanwhile the standard library's functions are these."""
    real = {name: getattr(std, name) for name in functions}
    for name, function in functions.items():
        setattr(_names._std, name, function)
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(_names._std, name, function)


class Lookups(Scenarios):
    def test_numeric_addresses(self):
        for arguments in [
            ("127.0.0.1", 80),
            ("::1", 80),
            ("127.0.0.1", "80"),
            (b"127.0.0.1", None),
            (None, 80),
            ("127.0.0.1", 80, socket.AF_INET, socket.SOCK_STREAM),
            ("127.0.0.1", None, 0, socket.SOCK_DGRAM, socket.IPPROTO_UDP),
            ("127.1", 80, 0, socket.SOCK_STREAM),
            ("0:0::1", 0, 0, int(socket.SOCK_STREAM), 0, socket.AI_PASSIVE),
            ("::ffff:1.2.3.4", 65535, socket.AF_INET6, socket.SOCK_DGRAM),
            ("fe80::1%lo", 80, 0, socket.SOCK_STREAM),
            ("127.0.0.1", "80", 0, socket.SOCK_STREAM),
            ("127.0.0.1", 80, 0, socket.SOCK_STREAM, 0, socket.AI_CANONNAME),
        ]:
            found = yield socket.getaddrinfo(*arguments)
            self.assertEqual(found, std.getaddrinfo(*arguments), arguments)
            self.assertIsInstance(found[0][0], std.AddressFamily)
            self.assertIsInstance(found[0][1], std.SocketKind)

    def test_what_is_refused_with_a_numeric_address(self):
        class Port(enum.IntEnum):
            HTTP = 80

        for port, *kind in [(Port.HTTP, 0, 1), (True, 0, 1), (1.0, 0, 1), (80, 0, 1.0), (80, 0.0, 1)]:
            with self.assertRaises((OSError, TypeError)):
                std.getaddrinfo("127.0.0.1", port, *kind)
            with self.assertRaises((OSError, TypeError)):
                yield socket.getaddrinfo("127.0.0.1", port, *kind)

    def test_numeric_addresses_take_no_thread(self):
        threads = []

        def getaddrinfo(*arguments):
            threads.append(threading.current_thread())
            return real(*arguments)

        real = std.getaddrinfo
        with standard_library(getaddrinfo=getaddrinfo):
            yield socket.getaddrinfo("127.0.0.1", 80)  # of any kind of socket
        self.assertEqual(len(threads), 1)

    def test_numeric_addresses_load_no_codec(self):
        done = run_program("""
            import sys, tonio, tonio.net

            def main():
                stream = tonio.net.socket.SOCK_STREAM
                for host in "127.0.0.1", "::1":
                    yield tonio.net.socket.getaddrinfo(host, 80, type=stream)
                listeners = yield tonio.net.open_tcp_listeners(0, host="127.0.0.1")
                address = listeners[0].socket.getsockname()
                yield tonio.net.open_tcp_stream(*address)
                print("encodings.idna" in sys.modules)
        """)
        self.assertEqual((done.out, done.err), ("False\n", ""))

    def test_localhost(self):
        needs_localhost(self)
        found = yield socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
        self.assertEqual(found, std.getaddrinfo("localhost", 80, type=std.SOCK_STREAM))
        self.assertEqual((yield socket.gethostbyname("localhost")), std.gethostbyname("localhost"))
        name, aliases, addresses = yield socket.gethostbyname_ex("localhost")
        self.assertEqual((name, aliases, addresses), std.gethostbyname_ex("localhost"))

    def test_getnameinfo(self):
        flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        self.assertEqual((yield socket.getnameinfo(("127.0.0.1", 80), flags)), ("127.0.0.1", "80"))

    def test_unknown_names(self):
        with self.assertRaises(socket.gaierror):
            yield socket.getaddrinfo("name.invalid", 80)
        with self.assertRaises(socket.gaierror):
            yield socket.getaddrinfo("no-number", 80, flags=socket.AI_NUMERICHOST)

    def test_idna(self):
        asked = []

        def getaddrinfo(host, *rest):
            # What the standard library's own does with the name first.
            asked.append(host.encode("idna"))
            raise std.gaierror(std.EAI_NONAME, "unknown")

        with standard_library(getaddrinfo=getaddrinfo):
            with self.assertRaises(socket.gaierror):
                yield socket.getaddrinfo("bücher.example", 80)
        self.assertEqual(asked[-1], b"xn--bcher-kva.example")
        with self.assertRaises(UnicodeError):
            yield socket.getaddrinfo("a" * 64 + ".example", 80)

    def test_bad_arguments(self):
        for arguments in [(5, 80), ("127.0.0.1", 1.5)]:
            with self.assertRaises((TypeError, OSError)):
                yield socket.getaddrinfo(*arguments)

    def test_a_cancelled_lookup_is_left_to_itself(self):
        begun, go_on = threading.Event(), threading.Event()
        ended = tonio.Event()

        def getaddrinfo(*arguments):
            if arguments[-1] & std.AI_NUMERICHOST:
                raise std.gaierror(std.EAI_NONAME, "not numeric")
            begun.set()
            # In C code, which no exception interrupts.
            go_on.wait(30)
            ended.set()
            return []

        with standard_library(getaddrinfo=getaddrinfo):
            looking = tonio.time.timeout(socket.getaddrinfo("name.invalid", 80), 0.05)
            self.assertEqual((yield looking), (None, False))
            self.assertTrue(begun.is_set())
            self.assertFalse(ended.is_set())
            go_on.set()
            yield ended.wait()

    def test_the_traceback_of_a_failure_has_no_frame_that_may_still_run(self):
        def getaddrinfo(*arguments):
            raise std.gaierror(std.EAI_NONAME, "unknown")

        with standard_library(getaddrinfo=getaddrinfo):
            try:
                yield socket.getaddrinfo("name.invalid", 80)
            except std.gaierror as failure:
                names = [frame.name for frame in traceback.extract_tb(failure.__traceback__)]
        self.assertEqual(names[-1], "getaddrinfo")
        # The function on the blocking thread that caught it and gave it to the task.
        self.assertNotIn("call", names)

    def test_other_tasks_run_meanwhile(self):
        go_on = threading.Event()

        def getaddrinfo(*arguments):
            if arguments[-1] & std.AI_NUMERICHOST:
                raise std.gaierror(std.EAI_NONAME, "not numeric")
            go_on.wait(30)
            return ["found"]

        with standard_library(getaddrinfo=getaddrinfo):
            looking = tonio.spawn(socket.getaddrinfo("name.invalid", 80))
            yield tonio.sleep(0.001)
            go_on.set()
            self.assertEqual((yield looking), ["found"])


if __name__ == "__main__":
    main()
