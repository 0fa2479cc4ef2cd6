"""SocketStream and SocketListener: byte streams over connected sockets."""

from __future__ import annotations

import socket as _std

import _tonio

from .._suspending import suspending
from .socket import socket as _socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self


class _Closing:
    """What streams and listeners have in common: they own a socket, and are left with it."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def socket(self) -> _socket: ...

    def close(self) -> None:
        """Closes the socket. Tasks that wait on it get an OSError (EBADF)."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<tonio.net.{type(self).__name__} {self.socket!r}>"


class SocketStream(_Closing, _tonio.SocketStream):
    """SocketStream(socket)

    The two directions of a connected SOCK_STREAM socket, which the stream owns. One task
    may receive while another one sends; the second that receives, or sends, at the same time
    gets tonio.exceptions.ResourceBusy. TCP_NODELAY is set."""

    __slots__ = ("__weakref__",)

    def send_eof(self) -> None:
        """Ends this side: the peer receives b'' after what was sent. Receiving goes on."""
        self.socket.shutdown(_std.SHUT_WR)


class SocketListener(_Closing):
    """SocketListener(socket)

    Accepts connections on a listening SOCK_STREAM socket, which it owns."""

    __slots__ = ("__weakref__", "socket")
    socket: _socket

    def __init__(self, socket: _socket) -> None:
        if not isinstance(socket, _socket):
            kind = type(socket).__name__
            raise TypeError(f"SocketListener() takes a tonio.net.socket.socket, not {kind}")
        if socket.type != _std.SOCK_STREAM:
            raise ValueError("SocketListener() takes a socket of type SOCK_STREAM")
        self.socket = socket

    @suspending
    async def accept(self) -> SocketStream:
        """Suspends until a connection comes, and gives it as a SocketStream."""
        connection, _ = await self.socket.accept()
        return SocketStream(connection)
