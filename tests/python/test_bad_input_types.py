"""Something of the wrong type, or what was not entered, where a line would fail that has not
looked: one error that names it."""

import io
import signal

import tonio
from programs import run_program
from scenarios import Scenarios, main
from tonio import fs, net
from tonio.net import socket, tls


class WrongTypes(Scenarios):
    def check(self, error, text, function, *args, **kwargs):
        """Called, and waited for if that gives something to wait for."""
        with self.assertRaisesRegex(error, text):
            yield function(*args, **kwargs)

    def test_processes(self):
        yield self.check(TypeError, "^open_process\\(\\) makes a Process", tonio.Process, 5, None, None, None, False)
        for name in "stdin", "stdout", "stderr":
            wrong = f"^{name} must be None, a descriptor or a file, not 'file'$"
            yield self.check(TypeError, wrong, tonio.open_process, ["true"], **{name: "file"})
        for function in tonio.open_process, tonio.run_process:
            for empty in [], (), {}, iter([]):
                yield self.check(TypeError, "^command must be a list of a program", function, empty)

    def test_names_of_hosts(self):
        yield self.check(TypeError, "^getfqdn\\(\\): name must be a str, not int$", socket.getfqdn, 5)

    def test_files(self):
        yield self.check(TypeError, "has close\\(\\), not 5$", fs.File, 5)
        yield self.check(TypeError, "ahead must be None, not 5$", fs.File, io.BytesIO(), 5)

    def test_servers(self):
        yield self.check(TypeError, "^listeners must be a list .* not NoneType$", net.serve_listeners, print, None)

    def test_application_protocols(self):
        yield self.check(TypeError, "takes a list .* not NoneType$", tls.TLSContext().set_alpn_protocols, None)

    def test_sendfile(self):
        first, second = socket.socketpair()
        with first, second:
            yield self.check(TypeError, "a file has read\\(\\), int has not$", first.sendfile, 5)
            yield self.check(TypeError, "offset must be an int, not NoneType$", first.sendfile, io.BytesIO(), None)

            class Stream:
                def read(self, size):
                    return b""

            yield self.check(TypeError, "file with seek\\(\\), not Stream$", first.sendfile, Stream(), 1)

    def test_flags(self):
        for family in socket.AF_INET, socket.AF_UNIX:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                address = ("127.0.0.1", 9) if family == socket.AF_INET else "nobody"
                yield self.check(TypeError, "NoneType.* integer$", sock.sendto, b"x", None, address)
                yield self.check(TypeError, "NoneType.* integer$", sock.sendmsg, [b"x"], [], None, address)
                for wrong in (None, []), ([b"x"], None):
                    yield self.check(TypeError, "iterable, not None$", sock.sendmsg, *wrong, 0, address)

    def test_addresses(self):
        yield self.check(TypeError, "must be \\(host, port\\), not None$", socket.create_connection, None)

    def test_descriptors(self):
        yield self.check(TypeError, "^send_fds\\(\\) takes a .*socket, not int$", socket.send_fds, 5, [b"x"], [0])
        yield self.check(TypeError, "^recv_fds\\(\\) takes a .*socket, not int$", socket.recv_fds, 5, 1, 1)
        first, second = socket.socketpair()
        with first, second:
            yield self.check(TypeError, "list of descriptors, not NoneType$", socket.send_fds, first, [b"x"], None)
            yield self.check(TypeError, "maxfds must be an int, not NoneType$", socket.recv_fds, first, 1, None)

    def test_what_was_not_entered(self):
        receiver = tonio.signal_receiver(signal.SIGUSR1)
        yield self.check(RuntimeError, "was not entered$", receiver.__exit__, None, None, None)
        opening = fs.open("/dev/null")
        yield self.check(RuntimeError, "was not entered$", opening.__aexit__, None, None, None)


class AtTheEnd(Scenarios):
    def test_an_unclosed_socket_says_nothing(self):
        """Its text takes modules that are empty by then."""
        done = run_program(
            """
            from tonio.net import socket
            kept = socket.socketpair()
            def main():
                yield
            """
        )
        self.assertEqual((done.code, done.out, done.err), (0, "", ""))


if __name__ == "__main__":
    main()
