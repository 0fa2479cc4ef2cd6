"""A socket that has told of an error loses nothing of what comes after it: neither data nor the
end, also where both come at once, and where the error stays."""

import errno
import socket as std

import tonio
from scenarios import Scenarios, main
from tonio import io
from tonio.net import socket


def free_address(kind=std.SOCK_STREAM):
    with std.socket(type=kind) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()


class AfterErrors(Scenarios):
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
            for number in range(4):
                std.send_fds(peer, [b"%d" % number], [peer.fileno()])
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
