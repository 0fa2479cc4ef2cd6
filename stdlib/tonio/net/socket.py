"""Sockets after the standard library's module: what blocks there suspends here.

Suspend: bind, connect, accept, recv, recv_into, send, sendall, and getaddrinfo and
create_connection of this module. The rest acts at once. Errors are the standard
library's; closing a socket wakes who waits on it with an OSError (EBADF).
"""

import _socket
import errno
import os
import socket as _std

from _tonio import Socket, spawn_blocking

_CONSTANTS = [
    name
    for name in dir(_std)
    if name.isupper() or name.startswith(("AF_", "SOCK_", "SO_", "IPPROTO_", "AI_", "NI_", "MSG_"))
]
globals().update((name, getattr(_std, name)) for name in _CONSTANTS)

error = OSError
gaierror = _std.gaierror
herror = _std.herror
timeout = _std.timeout

__all__ = [
    *_CONSTANTS,
    "create_connection",
    "error",
    "from_stdlib_socket",
    "gaierror",
    "getaddrinfo",
    "herror",
    "socket",
    "socketpair",
    "timeout",
]


def _mirror(name):
    """A method that the standard library's socket has, for what doesn't block."""

    def method(self, *args):
        return self._mirror(_socket.socket, name, *args)

    method.__name__ = name
    method.__qualname__ = f"socket.{name}"
    method.__doc__ = getattr(_socket.socket, name).__doc__
    return method


class socket(Socket):
    """socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None)

    One end of a connection, or a listener. Any number of tasks and threads may use it at
    the same time."""

    __slots__ = ()

    listen = _mirror("listen")
    shutdown = _mirror("shutdown")
    getsockopt = _mirror("getsockopt")
    setsockopt = _mirror("setsockopt")
    getsockname = _mirror("getsockname")
    getpeername = _mirror("getpeername")
    _bind = _mirror("bind")

    @property
    def family(self):
        return _std._intenum_converter(self._family, _std.AddressFamily)

    @property
    def type(self):
        return _std._intenum_converter(self._type, _std.SocketKind)

    async def bind(self, address):
        """Binds to the address; a host that is a name is looked up."""
        self._bind(await self._resolved(address, AI_PASSIVE))

    def connect(self, address):
        """Suspends until connected; a host that is a name is looked up."""
        operation = self._connect(address)
        return self._connect_by_name(address) if operation is None else operation

    async def _connect_by_name(self, address):
        await self._connect(await self._resolved(address, 0))

    async def _resolved(self, address, flags):
        """The address, its host looked up. One of another shape is refused where it is used."""
        if self._family not in (AF_INET, AF_INET6) or not isinstance(address, tuple):
            return address
        if len(address) < 2:
            return address
        host, port, *rest = address
        if not host or not isinstance(host, str) or host == "<broadcast>":
            return address
        found = await getaddrinfo(host, None, self._family, self._type, self.proto, flags)
        numeric = found[0][4]
        return (numeric[0], port, *(rest or numeric[2:]))

    def dup(self):
        """A socket of its own for the same connection."""
        fd = self.fileno()
        if fd < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self.__class__(self._family, self._type, self.proto, fileno=_socket.dup(fd))

    def get_inheritable(self):
        return os.get_inheritable(self.fileno())

    def set_inheritable(self, inheritable):
        os.set_inheritable(self.fileno(), inheritable)

    def __repr__(self):
        fd = self.fileno()
        state = " [closed]" if fd < 0 else ""
        text = f"<tonio.net.socket.socket{state} fd={fd}, family={self.family!s}"
        text += f", type={self.type!s}, proto={self.proto}"
        for what, name in ("laddr", self.getsockname), ("raddr", self.getpeername):
            try:
                text += f", {what}={name()}"
            except OSError:
                pass
        return text + ">"


def from_stdlib_socket(sock):
    """Takes over a socket of the standard library, which is detached."""
    # If this fails, the descriptor is still its own.
    taken = socket(sock.family, sock.type, sock.proto, fileno=sock.fileno())
    sock.detach()
    return taken


def socketpair(family=None, type=SOCK_STREAM, proto=0):
    """Two connected sockets."""
    first, second = _std.socketpair(family, type, proto)
    return from_stdlib_socket(first), from_stdlib_socket(second)


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """As socket.getaddrinfo, on the blocking pool."""
    return spawn_blocking(_std.getaddrinfo, host, port, family, type, proto, flags)


async def create_connection(address, source_address=None):
    """Connects to the first of address's (host, port) addresses that answers."""
    host, port = address
    failures = []
    for family, type, proto, _, target in await getaddrinfo(host, port, 0, SOCK_STREAM):
        sock = socket(family, type, proto)
        try:
            if source_address is not None:
                await sock.bind(source_address)
            await sock.connect(target)
            return sock
        except OSError as failure:
            sock.close()
            failures.append(failure)
        except BaseException:
            sock.close()
            raise
    if not failures:
        raise OSError(f"getaddrinfo({host!r}) gave no address")
    raise failures[-1]
