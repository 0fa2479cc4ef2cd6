"""Name resolution: the standard library's functions, on the blocking pool."""

import os
import socket as _std

from _tonio import Event, spawn_blocking


def check_port(port, function):
    """For what takes a number only: getaddrinfo(3) would use the lower 16 bits of any."""
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"{function}: port must be an int, not {type(port).__name__}")
    if not 0 <= port <= 65535:
        raise OverflowError(f"{function}: port must be 0 to 65535, not {port}")


def check_seconds(seconds, name, *, zero=False):
    """For a length of time that must be a positive number, or also zero."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    if zero and not seconds >= 0:
        raise ValueError(f"{name} must not be negative: {seconds}")
    if not zero and not seconds > 0:
        raise ValueError(f"{name} must be positive: {seconds}")


def unix_path(path, function):
    """The path of a Unix socket as str or bytes. One with a NUL byte in it is refused: the
    system would take what comes before it."""
    path = os.fspath(path)
    nul = "\0" if isinstance(path, str) else b"\0"
    if nul in path and not path.startswith(nul):
        raise ValueError(f"{function}: the path of a Unix socket has a NUL byte: {path!r}")
    return path


async def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """Suspends; gives what socket.getaddrinfo() does. Host names are encoded as IDNA, and
    numeric addresses may have a scope ("fe80::1%eth0"), as there. A cancelled lookup is left
    to itself."""
    if _needs_no_lookup(host, port):
        try:
            return _std.getaddrinfo(host, port, family, type, proto, flags | _std.AI_NUMERICHOST)
        except _std.gaierror as failure:
            if failure.errno != _std.EAI_NONAME or flags & _std.AI_NUMERICHOST:
                raise
    return await _look_up(_std.getaddrinfo, host, port, family, type, proto, flags)


async def getnameinfo(sockaddr, flags):
    """Suspends; gives what socket.getnameinfo() does: (host, port)."""
    return await _look_up(_std.getnameinfo, sockaddr, flags)


async def gethostbyname(hostname):
    """Suspends; gives the IPv4 address of a host name, as text."""
    return await _look_up(_std.gethostbyname, hostname)


async def gethostbyname_ex(hostname):
    """Suspends; gives (name, aliases, addresses)."""
    return await _look_up(_std.gethostbyname_ex, hostname)


async def gethostbyaddr(ip_address):
    """Suspends; gives (name, aliases, addresses)."""
    return await _look_up(_std.gethostbyaddr, ip_address)


async def getfqdn(name=""):
    """Suspends; gives the fully qualified domain name."""
    return await _look_up(_std.getfqdn, name)


def _needs_no_lookup(host, port):
    """Whether it is worth a try without a thread: a numeric address has no lookup to wait for,
    and the name of a service is found in a file."""
    return host is None or isinstance(port, int) or port is None


async def _look_up(function, *args):
    # A lookup may take many seconds and can't be interrupted: who is cancelled doesn't wait
    # for its end, as spawn_blocking() itself would.
    done = Event()
    outcome = []
    left = False

    def call():
        try:
            if not left:
                outcome.append((function(*args), None))
        except BaseException as failure:
            outcome.append((None, failure))
        finally:
            done.set()

    job = spawn_blocking(call)
    del job
    try:
        await done.wait()
    except BaseException:
        left = True
        raise
    result, failure = outcome.pop()
    if failure is not None:
        try:
            raise failure
        finally:
            # Not a cycle through this frame.
            del failure
    return result
