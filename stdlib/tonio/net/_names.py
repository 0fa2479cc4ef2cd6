"""Name resolution: the standard library's functions, on the blocking pool."""

from __future__ import annotations

import os
import socket as _std
import sys

from _tonio import Event, spawn_blocking

from .._handed_over import handed_over
from .._suspending import suspending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
    _T = TypeVar("_T")
    # family, type, protocol, canonical name, address
    _Found = list[tuple[_std.AddressFamily, _std.SocketKind, int, str, Any]]


def check_port(port: int, function: str) -> None:
    """For what takes a number only: getaddrinfo(3) would use the lower 16 bits of any."""
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"{function}: port must be an int, not {type(port).__name__}")
    if not 0 <= port <= 65535:
        raise OverflowError(f"{function}: port must be 0 to 65535, not {port}")


def check_seconds(seconds: float, name: str, *, zero: bool = False) -> None:
    """For a length of time that must be a positive number, or also zero."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    if zero and not seconds >= 0:
        raise ValueError(f"{name} must not be negative: {seconds}")
    if not zero and not seconds > 0:
        raise ValueError(f"{name} must be positive: {seconds}")


def unix_path(path: _Path, function: str) -> str | bytes:
    """The path of a Unix socket as str or bytes. One with a NUL byte in it is refused: the
    system would take what comes before it."""
    if os.fsencode(path).find(b"\0") > 0:
        raise ValueError(f"{function}: the path of a Unix socket has a NUL byte: {path!r}")
    return os.fspath(path)


@suspending
async def getaddrinfo(
    host: str | bytes | None,
    port: str | bytes | int | None,
    family: int = 0,
    type: int = 0,
    proto: int = 0,
    flags: int = 0,
) -> _Found:
    """Suspends; gives what socket.getaddrinfo() does. Host names are encoded as IDNA, and
    numeric addresses may have a scope ("fe80::1%eth0"), as there. A cancelled lookup is left
    to itself."""
    found = _numeric(host, port, family, type, proto, flags)
    if found is not None:
        return found
    if _needs_no_lookup(host, port):
        try:
            return _std.getaddrinfo(host, port, family, type, proto, flags | _std.AI_NUMERICHOST)
        except _std.gaierror as failure:
            if failure.errno != _std.EAI_NONAME or flags & _std.AI_NUMERICHOST:
                raise
    return await _look_up(_std.getaddrinfo, host, port, family, type, proto, flags)


@suspending
async def getnameinfo(sockaddr: Any, flags: int) -> tuple[str, str]:
    """Suspends; gives what socket.getnameinfo() does: (host, port)."""
    return await _look_up(_std.getnameinfo, sockaddr, flags)


@suspending
async def gethostbyname(hostname: str) -> str:
    """Suspends; gives the IPv4 address of a host name, as text."""
    return await _look_up(_std.gethostbyname, hostname)


@suspending
async def gethostbyname_ex(hostname: str) -> tuple[str, list[str], list[str]]:
    """Suspends; gives (name, aliases, addresses)."""
    return await _look_up(_std.gethostbyname_ex, hostname)


@suspending
async def gethostbyaddr(ip_address: str) -> tuple[str, list[str], list[str]]:
    """Suspends; gives (name, aliases, addresses)."""
    return await _look_up(_std.gethostbyaddr, ip_address)


@suspending
async def getfqdn(name: str = "") -> str:
    """Suspends; gives the fully qualified domain name."""
    if not isinstance(name, (str, bytes)):
        raise TypeError(f"getfqdn(): name must be a str, not {type(name).__name__}")
    return await _look_up(_std.getfqdn, name)


def _needs_no_lookup(host: object, port: object) -> bool:
    """Whether it is worth a try without a thread: a numeric address has no lookup to wait for,
    and the name of a service is found in a file."""
    return host is None or isinstance(port, int) or port is None


# What the only answer for a numeric address says of the protocol.
_PROTOCOLS: dict[int, int] = {
    _std.SOCK_STREAM: _std.IPPROTO_TCP,
    _std.SOCK_DGRAM: _std.IPPROTO_UDP,
}
_PLAIN_FLAGS = _std.AI_PASSIVE | _std.AI_NUMERICHOST | _std.AI_NUMERICSERV


def _numeric(
    host: object, port: object, family: int, type: int, proto: int, flags: int
) -> _Found | None:
    """The answer of socket.getaddrinfo() in the plainest case, a numeric address and port for
    one kind of socket; None for any other. That would load the codec of IDNA, and 2 MiB with
    it, to encode a str of digits."""
    if not all(isinstance(number, int) for number in (family, type, proto, flags)):
        return None
    protocol = _PROTOCOLS.get(type)
    if protocol is None or proto not in (0, protocol) or flags & ~_PLAIN_FLAGS:
        return None
    number: Any = 0 if port is None else port
    # Of subclasses it is not known what they are taken for there.
    if host.__class__ is not str or number.__class__ is not int or not 0 <= number <= 65535:
        return None
    for version in (_std.AF_INET, _std.AF_INET6):
        if family not in (0, version):
            continue
        try:
            packed = _std.inet_pton(version, str(host))
        except (OSError, ValueError):
            continue
        sys.audit("socket.getaddrinfo", host, port, int(family), int(type), int(proto))
        rest = () if version == _std.AF_INET else (0, 0)
        address = (_std.inet_ntop(version, packed), number, *rest)
        return [(version, _std.SocketKind(type), protocol, "", address)]
    return None


async def _look_up(function: Callable[..., _T], *args: Any) -> _T:
    # A lookup may take many seconds and can't be interrupted: who is cancelled doesn't wait
    # for its end, as spawn_blocking() itself would.
    done = Event()
    outcome: list[Any] = []
    left = False

    def call() -> None:
        try:
            if not left:
                outcome.append((function(*args), None))
        except BaseException as failure:
            outcome.append((None, handed_over(failure)))
        finally:
            done.set()

    job = spawn_blocking(call)
    del job
    try:
        await done.wait()
    except BaseException:
        left = True
        raise
    result: _T
    result, failure = outcome.pop()
    if failure is not None:
        try:
            raise failure
        finally:
            # Not a cycle through this frame.
            del failure
    return result
