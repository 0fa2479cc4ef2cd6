"""Opening streams: open_tcp_stream() after RFC 8305 ("happy eyeballs"), open_unix_socket()."""

from __future__ import annotations

import os

from _tonio import Event, scope

from .._suspending import suspending
from . import socket as _sockets
from ._names import check_port, check_seconds, unix_path
from ._streams import SocketStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from _typeshed import StrOrBytesPath

    from ._names import _Found

    # family, type, protocol, where to, where from or None
    _Target = tuple[int, int, int, Any, Any]
    _Socket = _sockets.socket

# RFC 8305, section 8, recommends 250 ms.
_DELAY = 0.25


@suspending
async def open_tcp_stream(
    host: str | bytes,
    port: int,
    *,
    happy_eyeballs_delay: float | None = _DELAY,
    local_address: str | None = None,
) -> SocketStream:
    """Connects to a host (a name or a numeric address) and gives a SocketStream.

    A name's addresses are tried one after the other, their families in turn (RFC 8305): the
    next attempt begins when one has failed, or has taken happy_eyeballs_delay seconds (None:
    the default); the first to succeed ends the others. local_address, a numeric address or a
    name, is where the connection is to come from; remote addresses of other families are not
    tried then. OSError, whose cause holds each attempt's, when none succeeds."""
    if not isinstance(host, (str, bytes)):
        raise TypeError(f"open_tcp_stream(): host must be str or bytes, not {type(host).__name__}")
    check_port(port, "open_tcp_stream()")
    delay = _DELAY if happy_eyeballs_delay is None else happy_eyeballs_delay
    check_seconds(delay, "open_tcp_stream(): happy_eyeballs_delay", zero=True)
    targets = _interleaved(await _addresses(host, port))
    if local_address is not None:
        targets = await _with_sources(targets, local_address)
    return SocketStream(await _first_to_connect(targets, delay, f"{_text(host)}:{port}"))


@suspending
async def open_unix_socket(path: StrOrBytesPath) -> SocketStream:
    """Connects to the Unix socket at a path (str, bytes or os.PathLike; one that begins with
    NUL is an abstract name) and gives a SocketStream."""
    path = unix_path(path, "open_unix_socket()")
    sock = _sockets.socket(_sockets.AF_UNIX, _sockets.SOCK_STREAM)
    try:
        await sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return SocketStream(sock)


def _text(host: str | bytes) -> str:
    return host if isinstance(host, str) else os.fsdecode(host)


async def _addresses(host: str | bytes, port: int) -> _Found:
    return await _sockets.getaddrinfo(host, port, 0, _sockets.SOCK_STREAM)


def _interleaved(found: _Found) -> list[_Target]:
    """The addresses of getaddrinfo (RFC 6724 order), with the families in turn, beginning
    with the first one's (RFC 8305, section 4)."""
    by_family: dict[int, list[Any]] = {}
    for entry in dict.fromkeys(found):
        by_family.setdefault(entry[0], []).append(entry)
    ordered: list[Any] = []
    rows = list(by_family.values())
    while rows:
        ordered += [row.pop(0) for row in rows]
        rows = [row for row in rows if row]
    return [(family, kind, proto, address, None) for family, kind, proto, _, address in ordered]


async def _with_sources(targets: list[_Target], local_address: str) -> list[_Target]:
    """The targets that a local address has the family of, with the address to bind to."""
    sources: dict[int, Any] = {}
    for family, _, _, _, address in await _addresses(local_address, 0):
        sources.setdefault(family, address)
    fitting = [(*target[:4], sources[target[0]]) for target in targets if target[0] in sources]
    if not fitting:
        remote = targets[0][3][0]
        raise OSError(
            f"open_tcp_stream(): local_address {local_address!r} is of another family than {remote}"
        )
    return fitting


async def _first_to_connect(targets: list[_Target], delay: float, name: str) -> _Socket:
    """The socket of the first target that connects."""
    attempts = _Attempts()
    try:
        async with scope() as race:
            for target in targets:
                failed = Event()
                race.spawn(attempts.connect(target, failed, race))
                await failed.wait(delay)
    except BaseException:
        attempts.close()
        raise
    if attempts.winner is None:
        raise _no_connection(attempts.failures, name)
    return attempts.take()


class _Attempts:
    """What a race of connections has come to."""

    def __init__(self) -> None:
        # Several may succeed before the others are told; the first in the list wins.
        self.connected: list[_Socket] = []
        self.failures: list[OSError] = []

    @property
    def winner(self) -> _Socket | None:
        return self.connected[0] if self.connected else None

    async def connect(self, target: _Target, failed: Event, race: scope) -> None:
        family, kind, proto, address, source = target
        try:
            sock = _sockets.socket(family, kind, proto)
        except OSError as failure:
            self.failures.append(failure)
            failed.set()
            return
        try:
            if source is not None:
                await sock.bind(source)
            await sock.connect(address)
        except OSError as failure:
            sock.close()
            failure.add_note(f"connecting to {address[0]} port {address[1]}")
            self.failures.append(failure)
            failed.set()
        except BaseException:
            sock.close()
            raise
        else:
            self.connected.append(sock)
            race.cancel()

    def take(self) -> _Socket:
        winner, *late = self.connected
        for sock in late:
            sock.close()
        return winner

    def close(self) -> None:
        for sock in self.connected:
            sock.close()


def _no_connection(failures: list[OSError], name: str) -> OSError:
    """One failure is raised as it is; of several the kind that they share."""
    if len(failures) == 1:
        return failures[0]
    numbers = {failure.errno for failure in failures}
    text = f"all attempts to connect to {name} failed"
    error = OSError(numbers.pop(), text) if len(numbers) == 1 else OSError(text)
    error.__cause__ = ExceptionGroup(text, failures)
    return error
