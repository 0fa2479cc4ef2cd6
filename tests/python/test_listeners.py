"""Making listeners: open_tcp_listeners, open_unix_listener, inherited_listeners."""

import errno
import fcntl
import os
import pathlib
import socket as std
import stat
import subprocess
import tempfile
import textwrap
import unittest

import tonio
from programs import TIMEOUT, TONIO, clean_environment
from scenarios import Scenarios, main
from test_socket_tcp import has_ipv6
from tonio import net
from tonio.net import socket


class Tcp(Scenarios):
    def test_one_address(self):
        (listener,) = yield net.open_tcp_listeners(0, host="127.0.0.1")
        with listener:
            self.assertIsInstance(listener, net.SocketListener)
            self.assertEqual(listener.socket.getsockname()[0], "127.0.0.1")
            with std.create_connection(listener.socket.getsockname()) as client:
                with (yield listener.accept()) as stream:
                    self.assertIsInstance(stream, net.SocketStream)
                    self.assertEqual(stream.socket.getpeername(), client.getsockname())

    def test_every_address(self):
        listeners = yield net.open_tcp_listeners(0)
        try:
            families = sorted(listener.socket.family for listener in listeners)
            expected = [std.AF_INET, std.AF_INET6] if has_ipv6() else [std.AF_INET]
            self.assertEqual(families, expected)
            # One port for all.
            self.assertEqual(
                len({listener.socket.getsockname()[1] for listener in listeners}), 1
            )
        finally:
            for listener in listeners:
                listener.close()

    @unittest.skipUnless(has_ipv6(), "no IPv6 here: ::1 can't be bound")
    def test_ipv6(self):
        (listener,) = yield net.open_tcp_listeners(0, host="::1")
        with listener:
            self.assertTrue(listener.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))

    def test_a_port_in_use(self):
        with std.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            before = len(os.listdir("/proc/self/fd"))
            with self.assertRaises(OSError) as caught:
                yield net.open_tcp_listeners(port, host="127.0.0.1")
            self.assertEqual(caught.exception.errno, errno.EADDRINUSE)
            self.assertEqual(caught.exception.__notes__, [f"listening on 127.0.0.1 port {port}"])
            self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_a_port_may_be_used_again_at_once(self):
        (listener,) = yield net.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        for _ in range(5):
            # The side that closes first keeps the address in TIME_WAIT.
            client = std.create_connection(("127.0.0.1", port))
            (yield listener.accept()).close()
            client.recv(1)
            client.close()
            listener.close()
            (listener,) = yield net.open_tcp_listeners(port, host="127.0.0.1")
        listener.close()

    def test_several_on_one_port(self):
        (first,) = yield net.open_tcp_listeners(0, host="127.0.0.1", reuse_port=True)
        port = first.socket.getsockname()[1]
        (second,) = yield net.open_tcp_listeners(port, host="127.0.0.1", reuse_port=True)
        with first, second:
            served = [0, 0]

            @self.task
            def count(index, listener):
                while True:
                    (yield listener.accept()).close()
                    served[index] += 1

            @self.task
            def connect():
                for _ in range(100):
                    (yield net.open_tcp_stream("127.0.0.1", port)).close()
                while sum(served) < 100:
                    yield tonio.sleep(0.001)

            yield tonio.select(count(0, first), count(1, second), connect())
            self.assertGreater(min(served), 0)

    def test_what_it_takes(self):
        for port in "80", None, True:
            with self.assertRaisesRegex(TypeError, "port must be an int"):
                yield net.open_tcp_listeners(port)
        with self.assertRaisesRegex(OverflowError, "0 to 65535"):
            yield net.open_tcp_listeners(70000, host="127.0.0.1")
        with self.assertRaises(socket.gaierror):
            yield net.open_tcp_listeners(80, host="name.invalid")

    def test_the_backlog(self):
        (listener,) = yield net.open_tcp_listeners(0, host="127.0.0.1", backlog=1)
        with listener:
            with std.create_connection(listener.socket.getsockname()):
                (yield listener.accept()).close()


class Unix(Scenarios):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "socket")

    def test_a_path(self):
        with (yield net.open_unix_listener(self.path)) as listener:
            self.assertTrue(stat.S_ISSOCK(os.stat(self.path).st_mode))
            opening = tonio.spawn(net.open_unix_socket(self.path))
            with (yield listener.accept()) as server, (yield opening) as client:
                yield client.send_all(b"hello")
                self.assertEqual((yield server.receive_some()), b"hello")

    def test_bytes_and_path_objects(self):
        (yield net.open_unix_listener(os.fsencode(self.path))).close()
        (yield net.open_unix_listener(pathlib.Path(self.path))).close()

    def test_permissions(self):
        (yield net.open_unix_listener(self.path, mode=0o640)).close()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o640)

    def test_what_another_one_has_left_is_replaced(self):
        for _ in range(3):
            (yield net.open_unix_listener(self.path)).close()
            self.assertTrue(os.path.exists(self.path))

    def test_what_is_used_is_not_replaced(self):
        with (yield net.open_unix_listener(self.path)):
            with self.assertRaises(OSError) as caught:
                yield net.open_unix_listener(self.path)
            self.assertEqual(caught.exception.errno, errno.EADDRINUSE)

    def test_another_file_is_not_replaced(self):
        with open(self.path, "w") as file:
            file.write("precious")
        with self.assertRaises(OSError):
            yield net.open_unix_listener(self.path)
        with open(self.path) as file:
            self.assertEqual(file.read(), "precious")

    def test_an_abstract_name(self):
        name = f"\0tonio-test-{os.getpid()}"
        with (yield net.open_unix_listener(name)) as listener:
            with self.assertRaises(OSError):
                yield net.open_unix_listener(name)
            (yield net.open_unix_socket(name)).close()
            (yield listener.accept()).close()

    def test_a_path_that_is_too_long(self):
        with self.assertRaisesRegex(OSError, "too long"):
            yield net.open_unix_listener("/tmp/" + "x" * 200)

    def test_a_path_with_a_nul_byte(self):
        # The system would take what comes before it.
        with self.assertRaisesRegex(ValueError, "has a NUL byte"):
            yield net.open_unix_socket("/tmp/one\0two")
        with self.assertRaisesRegex(ValueError, "has a NUL byte"):
            yield net.open_unix_listener(b"/tmp/one\0two")


HANDED_OVER = textwrap.dedent(
    """
    import os, socket, tonio
    from tonio import net

    def main():
        listeners = net.inherited_listeners()
        assert net.inherited_listeners() == [] and "LISTEN_FDS" not in os.environ
        print(len(listeners), flush=True)
        for listener in listeners:
            assert not listener.socket.get_inheritable()
            with (yield listener.accept()) as stream:
                yield stream.send_all(b"served")
            listener.close()
    """
)


class HandedOver(unittest.TestCase):
    """As systemd starts a service: descriptors from 3 on, LISTEN_FDS, LISTEN_PID."""

    def start(self, *sockets, fds=None, pid="$$"):
        """Runs a program that serves a connection of each."""
        folder = tempfile.TemporaryDirectory(prefix="tonio-test-")
        self.addCleanup(folder.cleanup)
        script = os.path.join(folder.name, "app.py")
        with open(script, "w") as file:
            file.write(HANDED_OVER)
        moves = "".join(
            f"{n}<&{sock.fileno()} " for n, sock in enumerate(sockets, 3)
        )
        count = len(sockets) if fds is None else fds
        shell = f"LISTEN_PID={pid} LISTEN_FDS={count} exec {TONIO} run {script} {moves}"
        # Numbers that no move overwrites before it is moved itself.
        return subprocess.Popen(
            ["bash", "-c", shell], pass_fds=[sock.fileno() for sock in sockets],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(),
        )

    def listening(self, **options):
        sock = std.create_server(("127.0.0.1", 0), **options)
        self.addCleanup(sock.close)
        # Out of the way of the numbers that are handed over.
        high = std.socket(fileno=fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, 50))
        self.addCleanup(high.close)
        return high

    def test_they_are_served(self):
        sockets = [self.listening(), self.listening()]
        program = self.start(*sockets)
        for sock in sockets:
            with std.create_connection(sock.getsockname(), TIMEOUT) as client:
                self.assertEqual(client.recv(10), b"served")
        out, err = program.communicate(timeout=TIMEOUT)
        self.assertEqual((program.returncode, out, err), (0, "2\n", ""))

    def test_those_of_another_process_are_not_ours(self):
        program = self.start(self.listening(), pid="1")
        out, err = program.communicate(timeout=TIMEOUT)
        self.assertEqual((program.returncode, out, err), (0, "0\n", ""))

    def test_nonsense(self):
        program = self.start(fds="many")
        out, err = program.communicate(timeout=TIMEOUT)
        self.assertEqual((program.returncode, out), (1, ""))
        self.assertIn("ValueError: LISTEN_FDS must be a number of descriptors, not 'many'", err)

    def test_what_does_not_listen(self):
        with std.socket() as sock:
            program = self.start(sock, pid="$$")
            out, err = program.communicate(timeout=TIMEOUT)
        self.assertEqual((program.returncode, out), (1, ""))
        self.assertIn("descriptor 3, handed over by LISTEN_FDS, is no listening stream", err)


if __name__ == "__main__":
    main()
