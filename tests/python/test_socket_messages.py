"""recvmsg, recvmsg_into, sendmsg: several buffers, ancillary data, descriptors."""

import array
import os
import socket as std

import tonio
from scenarios import Scenarios, main
from tonio.net import socket


class Messages(Scenarios):
    def test_several_buffers(self):
        first, second = socket.socketpair()
        with first, second:
            sent = yield first.sendmsg([b"one", bytearray(b"two"), memoryview(b"three")])
            self.assertEqual(sent, 11)
            data, ancillary, flags, address = yield second.recvmsg(100)
            self.assertEqual((data, ancillary, flags), (b"onetwothree", [], 0))
            self.assertFalse(address)
            yield first.sendmsg(iter([b"abcdef"]))
            buffers = bytearray(2), bytearray(10)
            self.assertEqual((yield second.recvmsg_into(buffers))[0], 6)
            self.assertEqual((buffers[0], buffers[1][:4]), (b"ab", b"cdef"))

    def test_waiting(self):
        first, second = socket.socketpair()
        with first, second:
            receiving = tonio.spawn(first.recvmsg(10))
            yield tonio.sleep(0.001)
            yield second.sendmsg([b"x"])
            self.assertEqual((yield receiving)[0], b"x")
            second.close()
            self.assertEqual((yield first.recvmsg(10))[0], b"")

    def test_with_an_address(self):
        with (
            socket.socket(type=socket.SOCK_DGRAM) as first,
            socket.socket(type=socket.SOCK_DGRAM) as second,
        ):
            yield first.bind(("127.0.0.1", 0))
            yield second.bind(("127.0.0.1", 0))
            sent = yield first.sendmsg([b"a", b"b"], [], 0, second.getsockname())
            self.assertEqual(sent, 2)
            data, _, flags, address = yield second.recvmsg(1)
            self.assertEqual((data, address), (b"a", first.getsockname()))
            self.assertTrue(flags & socket.MSG_TRUNC)

    def test_descriptors(self):
        first, second = socket.socketpair()
        with first, second:
            read, write = os.pipe()
            self.assertEqual((yield socket.send_fds(first, [b"pipe"], [read, write])), 4)
            os.close(read)
            os.close(write)
            data, fds, _, _ = yield socket.recv_fds(second, 10, 2)
            self.assertEqual((data, len(fds)), (b"pipe", 2))
            os.write(fds[1], b"through it")
            self.assertEqual(os.read(fds[0], 100), b"through it")
            for fd in fds:
                self.assertFalse(os.get_inheritable(fd))
                os.close(fd)

    def test_ancillary_data_as_the_standard_library_has_it(self):
        first, second = socket.socketpair()
        plain = std.socket(fileno=os.dup(second.fileno()))
        with first, second, plain:
            fds = array.array("i", [first.fileno()])
            yield first.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            data, ancillary, _, _ = plain.recvmsg(10, socket.CMSG_LEN(fds.itemsize))
            self.assertEqual(data, b"x")
            ((level, kind, content),) = ancillary
            self.assertEqual((level, kind), (socket.SOL_SOCKET, socket.SCM_RIGHTS))
            os.close(array.array("i", content)[0])

    def test_ancillary_data_that_is_cut_off(self):
        first, second = socket.socketpair()
        with first, second:
            fds = array.array("i", [first.fileno()] * 3)
            yield first.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            _, ancillary, flags, _ = yield second.recvmsg(10, socket.CMSG_LEN(2 * fds.itemsize))
            self.assertTrue(flags & socket.MSG_CTRUNC)
            for _, _, content in ancillary:
                for fd in array.array("i", content):
                    os.close(fd)

    def test_credentials(self):
        first, second = socket.socketpair()
        with first, second:
            second.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            yield first.sendmsg([b"x"])
            _, ((level, kind, content),), _, _ = yield second.recvmsg(10, 100)
            self.assertEqual((level, kind), (socket.SOL_SOCKET, socket.SCM_CREDENTIALS))
            self.assertEqual(list(array.array("i", content)), [os.getpid(), os.getuid(), os.getgid()])

    def test_bad_arguments(self):
        first, second = socket.socketpair()
        with first, second:
            for error, use in [
                (TypeError, lambda: first.sendmsg(5)),
                (TypeError, lambda: first.sendmsg([5])),
                (TypeError, lambda: first.sendmsg([b"x"], [5])),
                (TypeError, lambda: first.sendmsg([b"x"], [(1, 2)])),
                (TypeError, lambda: first.sendmsg([b"x"], 5)),
                (TypeError, lambda: first.recvmsg()),
                (ValueError, lambda: first.recvmsg(-1)),
                (ValueError, lambda: first.recvmsg(1, -1)),
                (ValueError, lambda: first.recvmsg(1, 2**62)),
                (ValueError, lambda: first.recvmsg_into([bytearray(1)], 2**62)),
                (MemoryError, lambda: first.recvmsg(2**62)),
                (TypeError, lambda: first.recvmsg_into(5)),
            ]:
                with self.assertRaises(error):
                    yield use()
            with self.assertRaises(BufferError):
                yield first.recvmsg_into([b"read only"])


class ErrorQueue(Scenarios):
    """An error that stays in a socket's queue (recvmsg with MSG_ERRQUEUE)."""

    # linux/errqueue.h, linux/in.h
    IP_RECVERR = 11

    def refused(self):
        """Yield it: a UDP socket that nobody answers, with an error in its queue."""
        sock = socket.socket(type=socket.SOCK_DGRAM)
        with std.socket(type=std.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            address = gone.getsockname()
        sock.setsockopt(socket.IPPROTO_IP, self.IP_RECVERR, 1)
        yield sock.bind(("127.0.0.1", 0))
        yield sock.sendto(b"x", address)
        return sock

    def test_is_read(self):
        with (yield self.refused()) as sock:
            data, ancillary, flags, _ = yield sock.recvmsg(100, 1000, socket.MSG_ERRQUEUE)
            self.assertEqual(data, b"x")
            self.assertEqual(ancillary[0][:2], (socket.IPPROTO_IP, self.IP_RECVERR))
            self.assertTrue(flags & socket.MSG_ERRQUEUE)

    def test_is_waited_for(self):
        with (yield self.refused()) as sock:
            with self.assertRaises(ConnectionRefusedError):
                yield sock.recv(10)
            yield sock.recvmsg(100, 1000, socket.MSG_ERRQUEUE)
            waiting = tonio.spawn(sock.recvmsg(100, 1000, socket.MSG_ERRQUEUE))
            yield tonio.sleep(0.001)
            with std.socket(type=std.SOCK_DGRAM) as gone:
                gone.bind(("127.0.0.1", 0))
                address = gone.getsockname()
            yield sock.sendto(b"y", address)
            self.assertEqual((yield waiting)[0], b"y")

    def test_does_not_make_the_reactor_spin(self):
        with (yield self.refused()) as sock:
            with self.assertRaises(ConnectionRefusedError):
                yield sock.recv(10)
            # The queue is not empty, and nobody reads it.
            receiving = tonio.spawn(sock.recv(10))
            before = os.times()
            yield tonio.sleep(0.5)
            after = os.times()
            used = after.user + after.system - before.user - before.system
            self.assertLess(used, 0.1)
            # Data comes through as ever.
            with std.socket(type=std.SOCK_DGRAM) as peer:
                peer.sendto(b"data", sock.getsockname())
            self.assertEqual((yield receiving), b"data")


if __name__ == "__main__":
    main()
