"""Datagram sockets: UDP over IPv4 and IPv6, multicast, and Unix datagrams."""

import errno
import os
import socket as std
import tempfile
import unittest

import tonio
from scenarios import Scenarios, main
from test_socket_tcp import has_ipv6, needs_localhost
from tonio.net import socket


def udp_socket(host="127.0.0.1", family=socket.AF_INET):
    """Yield it: a socket for datagrams, bound to a free port."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    yield sock.bind((host, 0))
    return sock


class Udp(Scenarios):
    def test_there_and_back(self):
        with (yield udp_socket()) as first, (yield udp_socket()) as second:
            self.assertEqual((yield first.sendto(b"ping", second.getsockname())), 4)
            data, address = yield second.recvfrom(100)
            self.assertEqual((data, address), (b"ping", first.getsockname()))
            yield second.sendto(b"pong", 0, address)
            buffer = bytearray(10)
            size, address = yield first.recvfrom_into(buffer)
            self.assertEqual((buffer[:size], address), (b"pong", second.getsockname()))

    def test_who_waits_gets_one(self):
        with (yield udp_socket()) as first, (yield udp_socket()) as second:
            receiving = tonio.spawn(*[second.recvfrom(10) for _ in range(5)])
            yield tonio.sleep(0.001)
            for number in range(5):
                yield first.sendto(b"%d" % number, second.getsockname())
            received = yield receiving
            self.assertEqual(sorted(data for data, _ in received), [b"0", b"1", b"2", b"3", b"4"])

    def test_zero_length_datagrams(self):
        with (yield udp_socket()) as first, (yield udp_socket()) as second:
            address = second.getsockname()
            self.assertEqual((yield first.sendto(b"", address)), 0)
            self.assertEqual((yield second.recvfrom(100)), (b"", first.getsockname()))
            yield first.sendto(b"", address)
            self.assertEqual((yield second.recv(100)), b"")
            # And the socket is not at an end.
            receiving = tonio.spawn(second.recv(100))
            yield tonio.sleep(0.001)
            yield first.sendto(b"more", address)
            self.assertEqual((yield receiving), b"more")
            yield first.sendto(b"", address)
            self.assertEqual((yield second.recv_into(bytearray(5))), 0)

    def test_no_room_for_a_datagram(self):
        with (yield udp_socket()) as first, (yield udp_socket()) as second:
            for _ in range(3):
                yield first.sendto(b"abcdef", second.getsockname())
            # What doesn't fit is lost, as the standard library has it.
            self.assertEqual((yield second.recv(3)), b"abc")
            self.assertEqual((yield second.recv(3, socket.MSG_TRUNC)), b"abc")
            self.assertEqual((yield second.recvfrom(0))[0], b"")
            yield first.sendto(b"next", second.getsockname())
            self.assertEqual((yield second.recv(10)), b"next")

    def test_many_in_the_queue(self):
        with (yield udp_socket()) as first, (yield udp_socket()) as second:
            for number in range(50):
                yield first.sendto(b"%d" % number, second.getsockname())
            for number in range(50):
                self.assertEqual((yield second.recv(100)), b"%d" % number)

    def test_the_largest_datagram(self):
        with (yield udp_socket()) as first, (yield udp_socket()) as second:
            data = os.urandom(65507)
            yield first.sendto(data, second.getsockname())
            self.assertTrue((yield second.recv(70000)) == data)
            with self.assertRaises(OSError) as caught:
                yield first.sendto(data + b"x", second.getsockname())
            self.assertEqual(caught.exception.errno, errno.EMSGSIZE)

    def test_connected(self):
        with (yield udp_socket()) as first, (yield udp_socket()) as second:
            yield first.connect(second.getsockname())
            yield second.connect(first.getsockname())
            yield first.send(b"one")
            self.assertEqual((yield second.recv(10)), b"one")
            yield second.sendall(b"two")
            self.assertEqual((yield first.recv(10)), b"two")

    def test_nobody_there(self):
        with (yield udp_socket()) as sock:
            with (yield udp_socket()) as gone:
                address = gone.getsockname()
            yield sock.connect(address)
            receiving = tonio.spawn(sock.recv(10))
            yield tonio.sleep(0.001)
            yield sock.send(b"x")
            with self.assertRaises(ExceptionGroup) as caught:
                yield receiving
            self.assertIsInstance(caught.exception.exceptions[0], ConnectionRefusedError)

    def test_names(self):
        needs_localhost(self)
        with (yield udp_socket()) as first, (yield udp_socket()) as second:
            yield first.sendto(b"hello", ("localhost", second.getsockname()[1]))
            self.assertEqual((yield second.recv(10)), b"hello")
            with self.assertRaises(socket.gaierror):
                yield first.sendto(b"hello", ("name.invalid", 9))

    @unittest.skipUnless(has_ipv6(), "no IPv6 here: ::1 can't be bound")
    def test_ipv6(self):
        first = yield udp_socket("::1", socket.AF_INET6)
        second = yield udp_socket("::1", socket.AF_INET6)
        with first, second:
            yield first.sendto(b"six", second.getsockname())
            self.assertEqual((yield second.recvfrom(10)), (b"six", first.getsockname()))
            # The scope: an interface's number, in the address or beside it.
            port = first.getsockname()[1]
            for address in ("::1", port, 0, 0), ("::1", port, 0, 1), ("::1%1", port):
                yield second.sendto(b"scoped", address)
                self.assertEqual((yield first.recv(10)), b"scoped")
            # Its name, where the address is not link-local, is none of the standard library's.
            with self.assertRaises(socket.gaierror):
                yield second.sendto(b"scoped", ("::1%lo", port))

    def test_multicast(self):
        group = "224.0.0.251"
        member = std.inet_aton(group) + std.inet_aton("127.0.0.1")
        with (yield udp_socket("")) as receiver, (yield udp_socket()) as sender:
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            local = std.inet_aton("127.0.0.1")
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, local)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            yield sender.sendto(b"to all", (group, receiver.getsockname()[1]))
            self.assertEqual((yield receiver.recvfrom(10)), (b"to all", sender.getsockname()))

    def test_bad_arguments(self):
        with (yield udp_socket()) as sock:
            for error, use in [
                (TypeError, lambda: sock.sendto(b"x")),
                (TypeError, lambda: sock.sendto(5, ("127.0.0.1", 9))),
                (TypeError, lambda: sock.sendto(b"x", "127.0.0.1")),
                (TypeError, lambda: sock.sendto(b"x", 0, 0, 0)),
                (OverflowError, lambda: sock.sendto(b"x", ("127.0.0.1", 70000))),
                (ValueError, lambda: sock.recvfrom(-1)),
                (ValueError, lambda: sock.recvfrom_into(bytearray(2), 3)),
            ]:
                with self.assertRaises(error):
                    yield use()


class Unix(Scenarios):
    def test_there_and_back(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            paths = [os.path.join(folder, name) for name in ("first", "second")]
            with (
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as first,
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second,
            ):
                yield first.bind(paths[0])
                yield second.bind(paths[1])
                yield first.sendto(b"hello", paths[1])
                self.assertEqual((yield second.recvfrom(10)), (b"hello", paths[0]))

    def test_a_sender_without_a_name(self):
        with tempfile.TemporaryDirectory(prefix="tonio-test-") as folder:
            path = os.path.join(folder, "socket")
            with (
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as first,
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second,
            ):
                yield first.bind(path)
                yield second.sendto(b"hello", path)
                self.assertEqual((yield first.recvfrom(10)), (b"hello", None))

    def test_abstract_names(self):
        name = b"\0tonio-test-%d" % os.getpid()
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as first,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second,
        ):
            yield first.bind(name)
            yield second.sendto(b"hello", name)
            self.assertEqual((yield first.recv(10)), b"hello")

    def test_a_full_queue_is_waited_for(self):
        first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with first, second:
            @self.task
            def send():
                for number in range(2000):
                    yield first.send(b"%d" % number)

            sending = tonio.spawn(send())
            for number in range(2000):
                self.assertEqual((yield second.recv(100)), b"%d" % number)
            yield sending

    def test_a_full_queue_of_somebody_does_not_make_the_reactor_spin(self):
        name = b"\0tonio-test-full-%d" % os.getpid()
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            yield receiver.bind(name)
            with self.assertRaises(BlockingIOError):
                while True:
                    yield sender.sendto(b"x", socket.MSG_DONTWAIT, name)
            sending = tonio.spawn(sender.sendto(b"y", name), sender.sendmsg([b"y"], [], 0, name))
            before = os.times()
            yield tonio.sleep(0.5)
            after = os.times()
            used = after.user + after.system - before.user - before.system
            self.assertLess(used, 0.1)
            received = []
            while received.count(b"y") < 2:
                received.append((yield receiver.recv(10)))
            self.assertEqual((yield sending), [1, 1])


if __name__ == "__main__":
    main()
