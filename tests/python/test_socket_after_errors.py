"""A socket that has told of an error loses nothing of what comes after it: neither data nor the
end, also where both come at once, and where the error stays."""

import errno
import os
import socket as std
import time

import tonio
from scenarios import Scenarios, main
from tonio import io
from tonio.net import socket


# Of <linux/net_tstamp.h>, which the module socket does not have.
SO_TIMESTAMPING, TX_SOFTWARE, SOFTWARE = 37, 1 << 1, 1 << 4


def free_address(kind=std.SOCK_STREAM):
    with std.socket(type=kind) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()


class AfterErrors(Scenarios):
    options = {"threads": 1}

    def test_the_end_after_a_connection_that_was_refused(self):
        with std.socket() as server, socket.socket() as client:
            server.bind(("127.0.0.1", 0))
            self.assertEqual((yield client.connect_ex(server.getsockname())), errno.ECONNREFUSED)
            server.listen()
            while (yield client.connect_ex(server.getsockname())):
                pass
            peer, _ = server.accept()
            reading = tonio.spawn(client.recv(100))
            yield tonio.sleep(0.001)
            # So that it comes in one piece with the end.
            peer.setsockopt(std.IPPROTO_TCP, std.TCP_CORK, 1)
            peer.send(b"answer")
            peer.close()
            self.assertEqual((yield reading), b"answer")
            self.assertEqual((yield client.recv(100)), b"")

    def test_data_where_the_error_stays(self):
        peer, ours = std.socketpair()
        with socket.from_stdlib_socket(ours) as receiver:
            # What the peer has not read makes its end an error here.
            yield receiver.sendall(b"never read")
            reading = tonio.spawn(receiver.recv(100))
            yield tonio.sleep(0.001)
            # With a descriptor each, which keeps them apart.
            with open(os.devnull, "rb") as other:
                for number in range(4):
                    std.send_fds(peer, [b"%d" % number], [other.fileno()])
            peer.close()
            received = [(yield reading)]
            for _ in range(3):
                received.append((yield receiver.recv(100)))
            self.assertEqual(received, [b"0", b"1", b"2", b"3"])
            with self.assertRaises(ConnectionResetError):
                yield receiver.recv(100)
            self.assertEqual((yield receiver.recv(100)), b"")

    def test_readiness_of_a_registration(self):
        """Of datagrams that are taken one at a time."""
        address = free_address(std.SOCK_DGRAM)
        with (
            std.socket(type=std.SOCK_DGRAM) as receiver,
            std.socket(type=std.SOCK_DGRAM) as sender,
            io.register(receiver) as registration,
        ):
            receiver.bind(("127.0.0.1", 0))
            receiver.connect(address)
            receiver.send(b"to nobody")
            self.assertTrue((yield registration.arm_r()))
            self.assertRaises(ConnectionRefusedError, receiver.recv, 10)
            sender.bind(address)
            for number in range(4):
                sender.sendto(b"%d" % number, receiver.getsockname())
            for number in range(4):
                self.assertTrue((yield registration.arm_r()))
                self.assertEqual(receiver.recv(10), b"%d" % number)

    def test_a_pipe_that_nobody_reads(self):
        read, write = os.pipe()
        with open(write, "wb", 0) as pipe, io.register(pipe) as registration:
            os.set_blocking(write, False)
            while pipe.write(b"x" * 65536):
                pass
            os.close(read)
            for _ in range(5):
                self.assertTrue((yield registration.arm_w()))
            self.assertRaises(BrokenPipeError, pipe.write, b"x")

    def test_errors_that_are_waited_for_beside_data(self):
        """Of the queue, which the unread answer is not in."""
        with (
            socket.socket(type=std.SOCK_DGRAM) as client,
            std.socket(type=std.SOCK_DGRAM) as server,
        ):
            for own in client, server:
                if (binding := own.bind(("127.0.0.1", 0))) is not None:
                    yield binding
            client.setsockopt(std.SOL_SOCKET, SO_TIMESTAMPING, TX_SOFTWARE | SOFTWARE)
            stamping = tonio.spawn(client.recvmsg(100, 1000, std.MSG_ERRQUEUE))
            yield tonio.sleep(0.001)
            for _ in range(2):
                yield client.sendto(b"question", server.getsockname())
                self.assertTrue((yield stamping)[1])
                server.sendto(b"answer", client.getsockname())
                stamping = tonio.spawn(client.recvmsg(100, 1000, std.MSG_ERRQUEUE))
                before = time.process_time()
                yield tonio.sleep(0.1)
                self.assertLess(time.process_time() - before, 0.05)
            yield client.sendto(b"question", server.getsockname())
            yield stamping
            for _ in range(2):
                self.assertEqual((yield client.recv(10)), b"answer")

    def test_a_socket_that_is_ready_for_what_it_refuses(self):
        """Others have their turn, and the limit is kept, on one worker as well."""
        client = socket.socket(type=std.SOCK_DGRAM)
        with client:
            yield client.connect(free_address(std.SOCK_DGRAM))
            yield client.send(b"to nobody")
            with self.assertRaises(ConnectionRefusedError):
                yield client.recv(10)
            client.shutdown(std.SHUT_RD)
            # Readable for ever, says the system, and that there is nothing.
            _, received = yield tonio.time.timeout(client.recv(10), 0.01)
            self.assertFalse(received)

    def test_a_hang_up_beside_a_writer(self):
        """A socket that is not connected is writable, and hung up."""
        with std.socket() as unconnected, io.register(unconnected) as registration:
            read = False

            def writes():
                while not read:
                    yield registration.arm_w()

            writing = tonio.spawn(writes())
            self.assertTrue((yield registration.arm_r()))
            read = True
            yield writing


if __name__ == "__main__":
    main()
