"""Sockets after the standard library's module: what blocks there suspends here.

Suspend: bind, connect, accept, the recv and send methods, sendfile, and of the functions the
lookups of names (getaddrinfo and its kin), create_connection, create_server, send_fds and
recv_fds. The rest acts at once. Errors are the standard library's; closing a socket wakes who
waits on it with an OSError (EBADF). Data to send may be text, which is sent as UTF-8.
"""

from __future__ import annotations

import _socket
import array
import errno
import io
import os
import socket as _std
from _operator import index as as_index

from _tonio import Socket, sleep, spawn_blocking

from .._suspending import suspending
from ..time import timeout as _limited
from ._names import (
    getaddrinfo,
    getfqdn,
    gethostbyaddr,
    gethostbyname,
    gethostbyname_ex,
    getnameinfo,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import IO, Any, TypeVar, overload

    from _typeshed import ReadableBuffer
    from typing_extensions import Self

    from ..types import Operation

    _T = TypeVar("_T")
    _Data = ReadableBuffer | str
    # (level, type, data)
    _Ancillary = Iterable[tuple[int, int, ReadableBuffer]]

# Constants, and what doesn't block: the standard library's own.
_SHARED = [
    *(
        name
        for name in dir(_std)
        if name.isupper() or name.startswith(("AF_", "SOCK_", "SO_", "IPPROTO_", "AI_", "NI_"))
    ),
    "AddressFamily",
    "AddressInfo",
    "MsgFlag",
    "SocketKind",
    "close",
    "error",
    "gaierror",
    "gethostname",
    "getprotobyname",
    "getservbyname",
    "getservbyport",
    "has_dualstack_ipv6",
    "has_ipv6",
    "herror",
    "htonl",
    "htons",
    "if_indextoname",
    "if_nameindex",
    "if_nametoindex",
    "inet_aton",
    "inet_ntoa",
    "inet_ntop",
    "inet_pton",
    "ntohl",
    "ntohs",
    "sethostname",
    "timeout",
]
globals().update((name, getattr(_std, name)) for name in _SHARED)

__all__ = [
    *_SHARED,
    "SocketType",
    "create_connection",
    "create_server",
    "from_stdlib_socket",
    "fromfd",
    "getaddrinfo",
    "getfqdn",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname_ex",
    "getnameinfo",
    "recv_fds",
    "send_fds",
    "socket",
    "socketpair",
]

# A part of a file that one call sends; sendfile(2) itself takes no more than 2 GiB.
_FILE_PART = 1 << 30
# What is read at a time of a file that the system can't send by itself.
_READ_SIZE = 64 * 1024

# Between attempts to reach a Unix socket whose queue is full; seconds.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05


def _mirror(name: str) -> Any:
    """A method that the standard library's socket has, for what doesn't block."""

    def method(self: socket, *args: Any) -> Any:
        return self._mirror(_socket.socket, name, *args)

    method.__name__ = name
    method.__qualname__ = f"socket.{name}"
    method.__doc__ = getattr(_socket.socket, name).__doc__
    return method


def _member(value: int, kind: Any) -> Any:
    """The member of an enumeration, or the number if that has none."""
    return _std._intenum_converter(value, kind)  # type: ignore[attr-defined]  # is private


class socket(Socket):
    """socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None)

    One end of a connection, a listener, or what datagrams come to. Any number of tasks and
    threads may use it at the same time; of several that wait for data each datum goes to one."""

    __slots__ = ()

    if TYPE_CHECKING:

        def listen(self, backlog: int = ..., /) -> None: ...
        def shutdown(self, how: int, /) -> None: ...
        @overload
        def getsockopt(self, level: int, optname: int, /) -> int: ...
        @overload
        def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes: ...
        def getsockopt(self, *args: Any) -> Any: ...
        @overload
        def setsockopt(self, level: int, optname: int, value: int | ReadableBuffer, /) -> None: ...
        @overload
        def setsockopt(self, level: int, optname: int, value: None, optlen: int, /) -> None: ...
        def setsockopt(self, *args: Any) -> None: ...
        def getsockname(self) -> Any: ...
        def getpeername(self) -> Any: ...
        def _bind(self, address: Any, /) -> None: ...
    else:
        listen = _mirror("listen")
        shutdown = _mirror("shutdown")
        getsockopt = _mirror("getsockopt")
        setsockopt = _mirror("setsockopt")
        getsockname = _mirror("getsockname")
        getpeername = _mirror("getpeername")
        _bind = _mirror("bind")

    @property
    def family(self) -> _std.AddressFamily:
        family: _std.AddressFamily = _member(self._family, _std.AddressFamily)
        return family

    @property
    def type(self) -> _std.SocketKind:
        kind: _std.SocketKind = _member(self._type, _std.SocketKind)
        return kind

    @suspending
    async def bind(self, address: Any) -> None:
        """Binds to the address; a host that is a name is looked up."""
        self._bind(await self._resolved(address, AI_PASSIVE))

    def connect(self, address: Any) -> Operation[None]:
        """Suspends until connected; a host that is a name is looked up. When that is
        cancelled, the socket is of no further use."""
        if self._family == AF_UNIX:
            return _until_possible(self._connect, address)
        return self._connect(address) or self._by_name(self._connect, (address,))

    @suspending
    async def connect_ex(self, address: Any) -> int:
        """As connect(), but gives the errno of an OSError, 0 without one."""
        try:
            await self.connect(address)
        except gaierror:
            raise
        except OSError as failure:
            if failure.errno is None:
                raise
            return failure.errno
        return 0

    if TYPE_CHECKING:

        @overload
        def sendto(self, data: _Data, address: Any, /) -> Operation[int]: ...
        @overload
        def sendto(self, data: _Data, flags: int, address: Any, /) -> Operation[int]: ...

    def sendto(self, data: _Data, flags_or_address: Any, *address: Any) -> Operation[int]:
        """sendto(data, address) or sendto(data, flags, address)

        Suspends until data can be sent to the address as a datagram; gives its size. A host
        that is a name is looked up."""
        args = data, flags_or_address, *address
        if self._family == AF_UNIX:
            flags = as_index(flags_or_address) if address else 0
            if not flags & MSG_DONTWAIT:
                return _until_possible(self._sendto, data, flags | MSG_DONTWAIT, args[-1])
        return self._sendto(*args) or self._by_name(self._sendto, args)

    def sendmsg(
        self,
        buffers: Iterable[ReadableBuffer],
        ancdata: _Ancillary = (),
        flags: int = 0,
        address: Any = None,
    ) -> Operation[int]:
        """Suspends until something of the buffers can be sent, together with the ancillary
        data, an iterable of (level, type, data); gives the number of bytes sent. Descriptors
        are sent by send_fds()."""
        if buffers is None or ancdata is None:
            raise TypeError("sendmsg(): buffers and ancdata must be iterable, not None")
        if address is None:
            return self._sendmsg(buffers, ancdata, flags)
        args = list(buffers), list(ancdata), flags, address
        if self._family == AF_UNIX and not (flags := as_index(flags)) & MSG_DONTWAIT:
            return _until_possible(self._sendmsg, *args[:2], flags | MSG_DONTWAIT, address)
        return self._sendmsg(*args) or self._by_name(self._sendmsg, args)

    @suspending
    async def _by_name(
        self, operation: Callable[..., Operation[_T] | None], args: Sequence[Any]
    ) -> _T:
        """The operation, the host of its last argument looked up."""
        *others, address = args
        begun = operation(*others, await self._resolved(address, 0))
        assert begun is not None  # the host is no name any more
        return await begun

    async def _resolved(self, address: Any, flags: int) -> Any:
        """The address, its host looked up. One of another shape is refused where it is used."""
        if self._family not in (AF_INET, AF_INET6) or not isinstance(address, tuple):
            return address
        if len(address) < 2:
            return address
        host, port, *rest = address
        if not host or not isinstance(host, (str, bytes, bytearray)) or host == "<broadcast>":
            return address
        found = await getaddrinfo(host, None, self._family, self._type, self.proto, flags)
        numeric = found[0][4]
        return (numeric[0], port, *(rest or numeric[2:]))

    @suspending
    async def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Suspends until the file, open for reading in binary mode, is sent from offset on, or
        count bytes of it; gives the number of bytes. The file's position is behind them then,
        also when that fails."""
        self._check_sendfile(file, offset, count)
        try:
            source = file.fileno()
        except (AttributeError, io.UnsupportedOperation):
            return await self._send_by_reading(file, offset, count)
        try:
            return await self._send_by_system(file, source, offset, count)
        except _NotByTheSystem:
            return await self._send_by_reading(file, offset, count)

    def _check_sendfile(self, file: IO[bytes], offset: int, count: int | None) -> None:
        if "b" not in getattr(file, "mode", "b"):
            raise ValueError("sendfile(): the file must be opened in binary mode")
        if self._type != SOCK_STREAM:
            raise ValueError("sendfile() needs a socket of type SOCK_STREAM")
        if not callable(getattr(file, "read", None)):
            raise TypeError(f"sendfile(): a file has read(), {type(file).__name__} has not")
        if not hasattr(offset, "__index__"):
            raise TypeError(f"sendfile(): offset must be an int, not {type(offset).__name__}")
        if offset < 0:
            raise ValueError(f"sendfile(): offset must not be negative: {offset}")
        if count is not None:
            if not isinstance(count, int):
                raise TypeError(f"sendfile(): count must be an int, not {type(count).__name__}")
            if count <= 0:
                raise ValueError(f"sendfile(): count must be positive: {count}")

    async def _send_by_system(
        self, file: IO[bytes], source: int, offset: int, count: int | None
    ) -> int:
        start = offset
        try:
            while count is None or offset - start < count:
                left = _FILE_PART if count is None else min(_FILE_PART, count - (offset - start))
                try:
                    sent = await self._sendfile(source, offset, left)
                except OSError as failure:
                    # No file that can be mapped (sendfile(2)).
                    if offset == start and failure.errno in (errno.EINVAL, errno.ESPIPE):
                        raise _NotByTheSystem from failure
                    raise
                if sent == 0:
                    break
                offset += sent
        finally:
            if offset > start and hasattr(file, "seek"):
                file.seek(offset)
        return offset - start

    async def _send_by_reading(self, file: IO[bytes], offset: int, count: int | None) -> int:
        if offset:
            if not callable(getattr(file, "seek", None)):
                raise TypeError(f"sendfile(): offset takes a file with seek(), not {type(file).__name__}")
            file.seek(offset)
        total = 0
        try:
            while count is None or total < count:
                size = _READ_SIZE if count is None else min(_READ_SIZE, count - total)
                data = memoryview(await spawn_blocking(file.read, size))
                if not data:
                    break
                while data:
                    sent = await self.send(data)
                    total += sent
                    data = data[sent:]
        finally:
            if total and hasattr(file, "seek"):
                file.seek(offset + total)
        return total

    def dup(self) -> Self:
        """A socket of its own for the same connection."""
        fd = self.fileno()
        if fd < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self.__class__(self._family, self._type, self.proto, fileno=_socket.dup(fd))

    def get_inheritable(self) -> bool:
        return os.get_inheritable(self.fileno())

    def set_inheritable(self, inheritable: bool) -> None:
        os.set_inheritable(self.fileno(), inheritable)

    def __repr__(self) -> str:
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


SocketType = socket


@suspending
async def _until_possible(operation: Callable[..., Operation[_T] | None], *args: Any) -> _T:
    """The operation, which tells by BlockingIOError that the Unix socket at an address takes
    nothing more just now: no readiness tells when it does (connect(2), unix(7))."""
    pause = _SHORTEST_PAUSE
    while True:
        begun = operation(*args)
        assert begun is not None  # a path is no name to look up
        try:
            return await begun
        except BlockingIOError:
            await sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


class _NotByTheSystem(Exception):
    """sendfile(2) does not take this file."""


def from_stdlib_socket(sock: _std.socket) -> socket:
    """Takes over a socket of the standard library, which is detached."""
    if not isinstance(sock, _socket.socket):
        kind = type(sock).__name__
        raise TypeError(f"from_stdlib_socket() takes a socket.socket, not {kind}")
    # If this fails, the descriptor is still its own.
    taken = socket(sock.family, sock.type, sock.proto, fileno=sock.fileno())
    sock.detach()
    return taken


def fromfd(fd: int, family: int, type: int, proto: int = 0) -> socket:
    """A socket for a duplicate of the descriptor."""
    return socket(family, type, proto, fileno=_socket.dup(fd))


def socketpair(
    family: int | None = None, type: int = SOCK_STREAM, proto: int = 0  # noqa: F821
) -> tuple[socket, socket]:
    """Two connected sockets."""
    first, second = _std.socketpair(family, type, proto)
    return from_stdlib_socket(first), from_stdlib_socket(second)


@suspending
async def create_connection(
    address: tuple[str | None, int],
    timeout: float | None = None,
    source_address: tuple[str, int] | None = None,
    *,
    all_errors: bool = False,
) -> socket:
    """Connects to the first of address's (host, port) addresses that answers, from
    source_address if given, with at most timeout seconds for each. Raises the last failure,
    or, with all_errors, an ExceptionGroup of all. tonio.net.open_tcp_stream() tries several
    at the same time."""
    if not hasattr(address, "__iter__"):
        raise TypeError(f"create_connection(): address must be (host, port), not {address!r}")
    host, port = address
    failures: list[Exception] = []
    for family, type, proto, _, target in await getaddrinfo(host, port, 0, SOCK_STREAM):
        sock = socket(family, type, proto)
        try:
            if source_address is not None:
                await sock.bind(source_address)
            if timeout is None:
                await sock.connect(target)
            elif not (await _limited(sock.connect(target), timeout))[1]:
                raise TimeoutError(errno.ETIMEDOUT, f"no connection to {target} in {timeout} s")
            return sock
        except OSError as failure:
            sock.close()
            failures.append(failure)
        except BaseException:
            sock.close()
            raise
    try:
        if not failures:
            raise OSError(f"getaddrinfo({host!r}) gave no address")
        if all_errors:
            raise ExceptionGroup("create_connection failed", failures)
        raise failures[-1]
    finally:
        # Not a cycle through this frame.
        failures.clear()


@suspending
async def create_server(
    address: Any,
    *,
    family: int = AF_INET,  # noqa: F821
    backlog: int | None = None,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
) -> socket:
    """A listening socket, bound to address; with dualstack_ipv6 one for IPv4 as well."""
    if dualstack_ipv6 and family != AF_INET6:
        raise ValueError("create_server(): dualstack_ipv6 needs family AF_INET6")
    sock = socket(family, SOCK_STREAM)
    try:
        sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
        if family == AF_INET6:
            sock.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0 if dualstack_ipv6 else 1)
        await sock.bind(address)
        sock.listen(*(() if backlog is None else (backlog,)))
    except BaseException:
        sock.close()
        raise
    return sock


def _check_socket(caller: str, sock: object) -> None:
    if not isinstance(sock, socket):
        raise TypeError(
            f"{caller}() takes a tonio.net.socket.socket, not {type(sock).__name__}"
        )


def send_fds(
    sock: socket,
    buffers: Iterable[ReadableBuffer],
    fds: Iterable[int],
    flags: int = 0,
    address: Any = None,
) -> Operation[int]:
    """Suspends until something of the buffers is sent over a Unix socket, and with it the
    descriptors; gives the number of bytes."""
    _check_socket("send_fds", sock)
    if not hasattr(fds, "__iter__"):
        raise TypeError(f"send_fds(): fds must be a list of descriptors, not {type(fds).__name__}")
    ancillary = [(SOL_SOCKET, SCM_RIGHTS, array.array("i", fds))]
    return sock.sendmsg(buffers, ancillary, flags, address)


@suspending
async def recv_fds(
    sock: socket, bufsize: int, maxfds: int, flags: int = 0
) -> tuple[bytes, list[int], int, Any]:
    """Suspends until data comes; gives (data, descriptors, flags, address). The descriptors
    are not inheritable."""
    _check_socket("recv_fds", sock)
    if not hasattr(maxfds, "__index__"):
        raise TypeError(f"recv_fds(): maxfds must be an int, not {type(maxfds).__name__}")
    fds = array.array("i")
    space = CMSG_LEN(maxfds * fds.itemsize)
    data, ancillary, flags, address = await sock.recvmsg(bufsize, space, flags)
    for level, kind, content in ancillary:
        if level == SOL_SOCKET and kind == SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return data, list(fds), flags, address


if TYPE_CHECKING:
    # What _SHARED names, and more: of two definitions mypy keeps the first and pyright the last,
    # so that what is ours stands on both sides.
    from socket import *  # type: ignore  # has-type too, or not, by the order of checking

    from ._names import (
        getaddrinfo,
        getfqdn,
        gethostbyaddr,
        gethostbyname,
        gethostbyname_ex,
        getnameinfo,
    )
