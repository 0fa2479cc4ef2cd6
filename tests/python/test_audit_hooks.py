"""Audit hooks see what tonio's own operations do as they see the standard library's
(https://docs.python.org/3/library/audit_events.html), and can refuse it."""

import socket as std
import sys
import tempfile
import threading

import tonio
from scenarios import Scenarios, main
from tonio import fs, net
from tonio.net import socket

_seen = None
_refused = set()
_lock = threading.Lock()


class Refused(Exception):
    pass


def _hook(event, args):
    if _seen is not None and event.partition(".")[0] in ("socket", "open", "subprocess"):
        with _lock:
            _seen.append((event, args))
    if event in _refused:
        raise Refused(event)


# For good: a hook can't be taken away.
sys.addaudithook(_hook)


class AuditHooks(Scenarios):
    options = {"threads": 2}

    def setUp(self):
        global _seen
        _seen = []

    def tearDown(self):
        global _seen
        _seen = None
        _refused.clear()

    def seen(self, event):
        with _lock:
            return [args for name, args in _seen if name == event]

    def listener(self):
        listening = std.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        return listening, listening.getsockname()

    def test_connecting(self):
        _, address = self.listener()
        sock = socket.socket()
        _seen.clear()
        yield sock.connect(address)
        self.assertEqual(_seen, [("socket.connect", (sock, address))])
        sock.close()

    def test_connecting_by_name(self):
        _, (_, port) = self.listener()
        sock = socket.socket()
        yield sock.connect(("localhost", port))
        self.assertEqual({args[0] for args in self.seen("socket.getaddrinfo")}, {"localhost"})
        # With what was found.
        self.assertEqual(self.seen("socket.connect"), [(sock, ("127.0.0.1", port))])
        sock.close()

    def test_streams(self):
        listening, (host, port) = self.listener()
        stream = yield net.open_tcp_stream(host, port)
        self.assertEqual([a for _, a in self.seen("socket.connect")], [(host, port)])
        stream.close()

    def test_unix_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/s"
            with (yield net.open_unix_listener(path)):
                (bound,) = [a for _, a in self.seen("socket.bind")]
                stream = yield net.open_unix_socket(path)
                stream.close()
        self.assertEqual([a for _, a in self.seen("socket.connect")], [path])
        self.assertTrue(bound.startswith(folder), bound)

    def test_binding(self):
        with socket.socket() as sock:
            yield sock.bind(("127.0.0.1", 0))
        self.assertEqual([a for _, a in self.seen("socket.bind")], [("127.0.0.1", 0)])

    def test_datagrams(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            yield sock.bind(("127.0.0.1", 0))
            own = sock.getsockname()
            yield sock.sendto(b"1", own)
            yield sock.sendto(b"2", 0, own)
            yield sock.sendmsg([b"3"], (), 0, own)
            yield sock.connect(own)
            yield sock.sendmsg([b"4"])
        self.assertEqual(self.seen("socket.sendto"), [(sock, own)] * 2)
        self.assertEqual(self.seen("socket.sendmsg"), [(sock, own), (sock, None)])

    def test_new_sockets(self):
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.assertEqual(
            self.seen("socket.__new__"), [(sock, socket.AF_INET6, socket.SOCK_DGRAM, 0)]
        )
        sock.close()
        yield tonio.sleep(0)

    def test_accepted_sockets(self):
        listening, address = self.listener()
        ours = socket.from_stdlib_socket(listening)
        with std.create_connection(address):
            _seen.clear()
            connection, _ = yield ours.accept()
            self.assertEqual([args[0] for args in self.seen("socket.__new__")], [connection])
            connection.close()
        ours.close()

    def test_numeric_addresses(self):
        asked = ("127.0.0.1", 80, 0, int(std.SOCK_STREAM), 0)
        yield socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
        self.assertEqual(self.seen("socket.getaddrinfo"), [asked])

    def test_names(self):
        yield socket.getaddrinfo("localhost", 80)
        yield socket.getnameinfo(("127.0.0.1", 80), 3)
        # Twice where a name might have been a numeric address.
        self.assertEqual({args[:2] for args in self.seen("socket.getaddrinfo")}, {("localhost", 80)})
        self.assertEqual(self.seen("socket.getnameinfo"), [(("127.0.0.1", 80),)])

    def test_files_and_processes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/f"
            file = yield fs.open(path, "w")
            yield file.close()
            yield fs.Path(path).read_bytes()
        self.assertEqual([args[:2] for args in self.seen("open") if args[0] == path][0], (path, "w"))
        self.assertEqual(len([args for args in self.seen("open") if str(args[0]) == path]), 2)
        yield tonio.run_process(["true"])
        self.assertEqual([args[1] for args in self.seen("subprocess.Popen")], [["true"]])

    def test_a_hook_refuses(self):
        listening, address = self.listener()
        with socket.socket() as sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            for event, attempt in (
                ("socket.connect", lambda: sock.connect(address)),
                ("socket.bind", lambda: sock.bind(("127.0.0.1", 0))),
                ("socket.sendto", lambda: datagrams.sendto(b"", address)),
                ("socket.sendmsg", lambda: datagrams.sendmsg([b""], (), 0, address)),
                ("socket.__new__", lambda: tonio.sleep(socket.socket().fileno())),
                ("socket.getaddrinfo", lambda: socket.getaddrinfo("localhost", 80)),
                ("open", lambda: fs.open("/dev/null")),
                ("subprocess.Popen", lambda: tonio.run_process(["true"])),
            ):
                _refused.add(event)
                with self.assertRaisesRegex(Refused, event):
                    yield attempt()
                _refused.clear()
            _refused.add("socket.connect")
            with self.assertRaises(ExceptionGroup) as raised:  # of the attempts
                yield net.open_tcp_stream(*address)
            self.assertIsInstance(raised.exception.exceptions[0], Refused)
            _refused.clear()
            # As good as ever, and nobody has got a connection.
            yield sock.connect(address)
        listening.settimeout(30)
        listening.accept()[0].close()
        with self.assertRaises(BlockingIOError):
            listening.setblocking(False)
            listening.accept()

    def test_an_accepted_connection_that_is_refused_is_closed(self):
        listening, address = self.listener()
        ours = socket.from_stdlib_socket(listening)
        with std.create_connection(address) as peer:
            _refused.add("socket.__new__")
            with self.assertRaisesRegex(Refused, "__new__"):
                yield ours.accept()
            _refused.clear()
            peer.settimeout(30)
            self.assertEqual(peer.recv(1), b"")
        ours.close()

    def test_a_descriptor_that_is_refused_is_left_alone(self):
        with std.socket() as plain:
            _refused.add("socket.__new__")
            with self.assertRaisesRegex(Refused, "__new__"):
                socket.socket(fileno=plain.fileno())
            _refused.clear()
            self.assertEqual(plain.getsockopt(std.SOL_SOCKET, std.SO_TYPE), std.SOCK_STREAM)
        yield tonio.sleep(0)


if __name__ == "__main__":
    main()
