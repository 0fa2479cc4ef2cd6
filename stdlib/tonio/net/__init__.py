"""Networking: byte streams and servers; sockets are in tonio.net.socket."""

from . import socket
from ._connect import open_tcp_stream, open_unix_socket
from ._listen import inherited_listeners, open_tcp_listeners, open_unix_listener
from ._serve import serve_listeners, serve_tcp, serve_unix
from ._streams import SocketListener, SocketStream

__all__ = [
    "SocketListener",
    "SocketStream",
    "inherited_listeners",
    "open_tcp_listeners",
    "open_tcp_stream",
    "open_unix_listener",
    "open_unix_socket",
    "serve_listeners",
    "serve_tcp",
    "serve_unix",
    "socket",
]
