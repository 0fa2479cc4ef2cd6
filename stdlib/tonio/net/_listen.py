"""Making listeners: of TCP addresses, Unix paths, and those that systemd hands over."""

from __future__ import annotations

import errno
import os
import socket as _std
import stat

from .._suspending import suspending
from . import socket as _sockets
from ._names import check_port, unix_path
from ._streams import SocketListener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from _typeshed import StrOrBytesPath

# The kernel takes the smaller one of it and net.core.somaxconn.
_BACKLOG = 0xFFFF


@suspending
async def open_tcp_listeners(
    port: int,
    *,
    host: str | bytes | None = None,
    backlog: int | None = None,
    reuse_port: bool = False,
) -> list[SocketListener]:
    """Gives a list of SocketListeners: one for each address of host (None: every address of
    this machine, IPv4 and IPv6). With port 0 all of them get the same free port.

    backlog is the number of connections that may wait to be accepted (None: as many as the
    system allows). With reuse_port several processes may listen on the same address and
    share its connections (SO_REUSEPORT)."""
    check_port(port, "open_tcp_listeners()")
    found = await _sockets.getaddrinfo(
        host, port, 0, _sockets.SOCK_STREAM, 0, _sockets.AI_PASSIVE
    )
    listeners: list[SocketListener] = []
    unsupported: list[OSError] = []
    try:
        for family, kind, proto, _, address in dict.fromkeys(found):
            local: tuple[Any, ...] = address
            if port == 0 and listeners:
                local = (address[0], listeners[0].socket.getsockname()[1], *address[2:])
            try:
                sock = await _bound(family, kind, proto, local, reuse_port)
            except OSError as failure:
                failure.add_note(f"listening on {address[0]} port {address[1]}")
                # A machine without IPv6 has an IPv6 wildcard address nevertheless.
                none_here = {errno.EAFNOSUPPORT, *([errno.EADDRNOTAVAIL] if host is None else [])}
                if failure.errno not in none_here:
                    raise
                unsupported.append(failure)
                continue
            listeners.append(SocketListener(sock))
            sock.listen(_BACKLOG if backlog is None else backlog)
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    if not listeners:
        text = f"this system supports none of the address families of {host!r}"
        raise OSError(errno.EAFNOSUPPORT, text) from ExceptionGroup(text, unsupported)
    return listeners


async def _bound(
    family: int, kind: int, proto: int, address: Any, reuse_port: bool
) -> _sockets.socket:
    sock = _sockets.socket(family, kind, proto)
    try:
        sock.setsockopt(_sockets.SOL_SOCKET, _sockets.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(_sockets.SOL_SOCKET, _sockets.SO_REUSEPORT, 1)
        if family == _sockets.AF_INET6:
            # IPv4 has a listener of its own.
            sock.setsockopt(_sockets.IPPROTO_IPV6, _sockets.IPV6_V6ONLY, 1)
        await sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


@suspending
async def open_unix_listener(
    path: StrOrBytesPath, *, mode: int | None = None, backlog: int | None = None
) -> SocketListener:
    """Listens on a Unix socket at path (str, bytes or os.PathLike; one that begins with NUL
    is an abstract name) and gives a SocketListener. What stays of a listener that has ended
    is replaced; a socket that somebody listens on, or another file, is not: OSError. mode are
    the file's permissions, such as 0o600. The file stays when the listener is closed."""
    path = unix_path(path, "open_unix_listener()")
    sock = _sockets.socket(_sockets.AF_UNIX, _sockets.SOCK_STREAM)
    try:
        try:
            await sock.bind(path)
        except OSError as failure:
            if failure.errno != errno.EADDRINUSE or not _is_left_behind(path):
                raise
            os.unlink(path)
            await sock.bind(path)
        if mode is not None:
            os.chmod(path, mode)
        sock.listen(_BACKLOG if backlog is None else backlog)
    except BaseException:
        sock.close()
        raise
    return SocketListener(sock)


def _is_left_behind(path: str | bytes) -> bool:
    """Whether path is a Unix socket that nobody listens on."""
    if not path or path[:1] in ("\0", b"\0") or not stat.S_ISSOCK(os.lstat(path).st_mode):
        return False
    with _std.socket(_std.AF_UNIX, _std.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) == errno.ECONNREFUSED


# sd_listen_fds(3): the first descriptor that is handed over.
_FIRST_HANDED_OVER = 3


def inherited_listeners() -> list[SocketListener]:
    """The listening stream sockets that systemd, or whoever started this process, has handed
    over (LISTEN_FDS and LISTEN_PID, see sd_listen_fds(3)), as a list of SocketListeners;
    empty when there are none. The variables are removed, so a second call finds none and
    child processes don't take them for theirs."""
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if not count or pid != str(os.getpid()):
        return []
    if not count.isdecimal():
        raise ValueError(f"LISTEN_FDS must be a number of descriptors, not {count!r}")
    listeners: list[SocketListener] = []
    for fd in range(_FIRST_HANDED_OVER, _FIRST_HANDED_OVER + int(count)):
        sock = _sockets.socket(fileno=fd)
        sock.set_inheritable(False)
        listening = sock.getsockopt(_sockets.SOL_SOCKET, _sockets.SO_ACCEPTCONN)
        if sock.type != _sockets.SOCK_STREAM or not listening:
            raise ValueError(f"descriptor {fd}, handed over by LISTEN_FDS, is no listening stream")
        listeners.append(SocketListener(sock))
    return listeners
