"""tonio.net.socket's objects: what acts at once, options, bad arguments."""

import _imp
import gc
import os
import socket as std
import threading
import unittest
import unittest.mock
import warnings

import tonio
from scenarios import Scenarios, main
from tonio.net import socket


class Object(unittest.TestCase):
    def test_family_type_and_protocol(self):
        with socket.socket() as sock:
            self.assertEqual((sock.family, sock.type, sock.proto), (std.AF_INET, std.SOCK_STREAM, 0))
            self.assertIsInstance(sock.family, std.AddressFamily)
            self.assertIsInstance(sock.type, std.SocketKind)
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
            self.assertEqual((sock.family, sock.proto), (std.AF_INET6, std.IPPROTO_TCP))

    def test_constants_are_the_standard_library_s(self):
        for name in ("AF_INET", "SOL_SOCKET", "SO_REUSEADDR", "IPPROTO_TCP", "TCP_NODELAY",
                     "SHUT_RDWR", "SOMAXCONN", "MSG_PEEK"):
            self.assertEqual(getattr(socket, name), getattr(std, name), name)
        self.assertIs(socket.error, OSError)

    def test_options(self):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.assertEqual(sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR), 1)
            self.assertEqual(len(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)), 8)
            with self.assertRaises(OSError):
                sock.setsockopt(socket.SOL_SOCKET, 99999, 1)

    def test_inheritable(self):
        with socket.socket() as sock:
            self.assertFalse(sock.get_inheritable())
            sock.set_inheritable(True)
            self.assertTrue(sock.get_inheritable())

    def test_close_twice_and_context_manager(self):
        with socket.socket() as sock:
            self.assertGreaterEqual(sock.fileno(), 0)
            sock.close()
            sock.close()
        self.assertEqual(sock.fileno(), -1)
        self.assertIn("[closed]", repr(sock))

    def test_a_closed_socket_refuses(self):
        sock = socket.socket()
        sock.close()
        for use in (sock.listen, sock.getsockname, sock.getpeername, sock.dup,
                    lambda: sock.shutdown(socket.SHUT_WR),
                    lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR),
                    sock.get_inheritable):
            with self.assertRaises(OSError) as caught:
                use()
            self.assertEqual(caught.exception.errno, 9)

    def test_detach_and_fileno(self):
        sock = socket.socket()
        fd = sock.fileno()
        self.assertEqual(sock.detach(), fd)
        self.assertEqual(sock.fileno(), -1)
        with socket.socket(fileno=fd) as again:
            self.assertEqual((again.fileno(), again.family), (fd, std.AF_INET))

    def test_a_bad_fileno(self):
        with self.assertRaises(ValueError):
            socket.socket(fileno=-1)
        with self.assertRaises(TypeError):
            socket.socket(fileno="1")
        with self.assertRaises(OSError):
            socket.socket(fileno=99999)
        read, write = os.pipe()
        with self.assertRaises(OSError):
            socket.socket(fileno=read)
        # It is left as it was.
        self.assertTrue(os.get_blocking(read))
        os.close(read)
        os.close(write)

    def test_a_bad_family(self):
        with self.assertRaises(OSError):
            socket.socket(12345)
        with self.assertRaises(TypeError):
            socket.socket("AF_INET")

    def test_repr_names_addresses(self):
        with socket.socket() as sock:
            self.assertIn("family=2", repr(sock).replace("AddressFamily.AF_INET", "2"))

    def test_an_unclosed_socket_is_told(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sock = socket.socket()
            fd = sock.fileno()
            del sock
        self.assertEqual([warning.category for warning in caught], [ResourceWarning])
        with self.assertRaises(OSError):
            os.fstat(fd)

    def test_an_unclosed_one_is_told_after_an_import(self):
        """To show a warning is to import, which while the import lock is taken may wait for ever."""

        async def numbers():
            yield 1

        def drop(shown, kept):
            """A socket, and `kept`; gives the warnings that this thread shows at once."""
            _imp.acquire_lock()
            try:
                socket.socket()
                kept.clear()
                gc.collect()
                return [message for thread, message in shown if thread == threading.get_ident()]
            finally:
                _imp.release_lock()

        async def on_a_worker(shown):
            at_once = drop(shown, [])
            while not shown:
                await tonio.sleep(0)
            return at_once

        async def where_a_finalizer_spawns(shown):
            kept = [numbers()]  # a task closes it
            await anext(kept[0])
            at_once = drop(shown, kept)
            while not shown:
                await tonio.sleep(0)
            return at_once

        def on_a_thread(shown):
            at_once = []
            thread = threading.Thread(target=lambda: at_once.extend(drop(shown, [])))
            thread.start()
            thread.join()
            return at_once

        for drops in (
            lambda shown: tonio.run(on_a_worker(shown)),
            lambda shown: tonio.run(where_a_finalizer_spawns(shown)),
            on_a_thread,
        ):
            shown = []

            def show(message, *_, shown=shown):
                shown.append((threading.get_ident(), str(message)))

            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.showwarning = show
                self.assertEqual(drops(shown), [])
                gc.collect()  # the main thread comes by
            self.assertEqual(len(shown), 1)
            self.assertRegex(shown[0][1], "^unclosed <tonio.net.socket.*>$")

    def test_an_unclosed_one_is_told_where_a_filter_raises(self):
        told = []

        def hook(report):
            # Not the report, which would keep the socket.
            told.append(report.exc_type)

        with unittest.mock.patch("sys.unraisablehook", hook), warnings.catch_warnings():
            warnings.simplefilter("error")
            sock = socket.socket()
            fd = sock.fileno()
            del sock
        self.assertEqual(told, [ResourceWarning])
        with self.assertRaises(OSError):
            os.fstat(fd)

    def test_from_what_is_no_stdlib_socket(self):
        with self.assertRaisesRegex(TypeError, "takes a socket.socket, not int"):
            socket.from_stdlib_socket(5)

    def test_from_stdlib_socket(self):
        first, second = std.socketpair()
        with socket.from_stdlib_socket(first) as sock, second:
            self.assertEqual(first.fileno(), -1)
            second.send(b"x")

            def receives():
                return (yield sock.recv(10))

            self.assertEqual(tonio.run(receives()), b"x")

    def test_two_connected_ones(self):
        first, second = socket.socketpair()
        with first, second:
            self.assertEqual(first.family, std.AF_UNIX)


class BadArguments(Scenarios):
    def test_addresses(self):
        with socket.socket() as sock:
            bad = [
                (TypeError, "127.0.0.1"),
                (TypeError, ("127.0.0.1",)),
                (TypeError, ("127.0.0.1", "80")),
                (TypeError, ("127.0.0.1", 80, 0)),
                (TypeError, (5, 80)),
                (OverflowError, ("127.0.0.1", 70000)),
                (OverflowError, ("127.0.0.1", -1)),
                (TypeError, None),
            ]
            for error, address in bad:
                with self.assertRaises(error, msg=str(address)):
                    yield sock.connect(address)
                with self.assertRaises(error, msg=str(address)):
                    yield sock.bind(address)

    def test_sizes_and_buffers(self):
        first, second = socket.socketpair()
        with first, second:
            for error, use in [
                (ValueError, lambda: first.recv(-1)),
                (TypeError, lambda: first.recv("1")),
                (TypeError, lambda: first.recv()),
                (TypeError, lambda: first.recv(1, 2, 3)),
                (TypeError, lambda: first.send(5)),
                (TypeError, lambda: first.sendall(5)),
                (TypeError, lambda: first.recv_into(b"read only")),
                (ValueError, lambda: first.recv_into(bytearray(2), 3)),
                (ValueError, lambda: first.recv_into(bytearray(2), -1)),
                (TypeError, lambda: first.recv_into(bytearray(2), nonsense=1)),
            ]:
                with self.assertRaises((error, BufferError)):
                    yield use()

    def test_a_size_too_large_for_memory(self):
        first, second = socket.socketpair()
        with first, second:
            with self.assertRaises(OverflowError):
                yield first.recv(2**70)
            # Such a call must keep all that comes.
            with self.assertRaises((OverflowError, MemoryError)):
                yield first.recv(2**62, socket.MSG_PEEK)
            yield second.send(b"abc")
            self.assertEqual((yield first.recv(2**62)), b"abc")


if __name__ == "__main__":
    main()
