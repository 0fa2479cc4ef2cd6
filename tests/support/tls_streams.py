"""Two TLSStreams that are connected, for tests."""

import ssl

from scenarios import Scenarios
from tls_servers import authority, client_context, localhost, server_context
from tonio import net
from tonio.net import socket, tls


def std_server_context():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(localhost().chain, localhost().key)
    return context


def std_client_context():
    return ssl.create_default_context(cafile=authority().certificate)


def sockets():
    return [net.SocketStream(sock) for sock in socket.socketpair()]


class Relayed:
    """A transport that is no SocketStream: in the plain notation, in small pieces."""

    def __init__(self, stream, piece=700):
        self.stream, self.piece = stream, piece

    def send_all(self, data):
        for start in range(0, len(data), self.piece):
            yield self.stream.send_all(data[start : start + self.piece])

    def receive_some(self, max_bytes=None):
        return (yield self.stream.receive_some(self.piece))

    def close(self):
        self.stream.close()

    @property
    def socket(self):
        return self.stream.socket


class PairOfStreams(Scenarios):
    def pair(self, client_side=None, server_side=None, wrap=lambda stream: stream, **options):
        """Two TLSStreams that are connected."""
        first, second = map(wrap, sockets())
        client = tls.TLSStream(
            first, client_side or client_context(), server_hostname="localhost", **options
        )
        server = tls.TLSStream(second, server_side or server_context(), server_side=True, **options)
        return client, server
