"""TLS over TCP: clients, listeners and servers."""

from __future__ import annotations

from .._call import call
from .._suspending import suspending
from ._connect import open_tcp_stream
from ._listen import open_tcp_listeners
from ._names import check_seconds
from ._serve import serve_listeners
from ._tls_stream import HANDSHAKE_TIMEOUT, TLSStream, make_engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from typing_extensions import Self

    from ..types import Coro
    from ._tls_stream import Context, Transport
    from .socket import socket as _socket

    class Listener(Protocol):
        """What TLSListener takes."""

        def accept(self) -> Coro[Transport]: ...
        def close(self) -> object: ...


class TLSListener:
    """TLSListener(listener, ssl_context, *, https_compatible=False, handshake_timeout=30.0)

    Gives the connections of another listener as TLSStreams, which make their handshake
    when they are used: no client delays another one's accept()."""

    def __init__(
        self,
        listener: Listener,
        ssl_context: Context,
        *,
        https_compatible: bool = False,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
    ) -> None:
        if not callable(getattr(listener, "accept", None)):
            raise TypeError(f"listener must have accept(), {type(listener).__name__} has not")
        self.transport: Any = listener
        self._context = ssl_context
        self._options: dict[str, Any] = {
            "server_side": True,
            "https_compatible": https_compatible,
            "handshake_timeout": handshake_timeout,
        }
        _check_server(ssl_context, handshake_timeout, https_compatible)

    @suspending
    async def accept(self) -> TLSStream:
        """Suspends until a connection comes, and gives it as a TLSStream."""
        return TLSStream(await call(self.transport.accept()), self._context, **self._options)

    @property
    def socket(self) -> _socket:
        """The listener's socket."""
        socket: _socket = self.transport.socket
        return socket

    def close(self) -> None:
        """Closes the listener."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<tonio.net.tls.TLSListener {self.transport!r}>"


@suspending
async def open_tls_over_tcp_stream(
    host: str | bytes,
    port: int,
    *,
    https_compatible: bool = False,
    ssl_context: Context | None = None,
    happy_eyeballs_delay: float | None = None,
    handshake_timeout: float = HANDSHAKE_TIMEOUT,
) -> TLSStream:
    """Connects as open_tcp_stream() does, and gives a TLSStream whose handshake is over.
    Without a context the peer is verified against the system's trusted certificates."""
    # What is wrong with these is told without a connection.
    check_seconds(handshake_timeout, "handshake_timeout")
    make_engine(ssl_context, False, host, https_compatible)
    transport = await open_tcp_stream(host, port, happy_eyeballs_delay=happy_eyeballs_delay)
    try:
        stream = TLSStream(
            transport,
            ssl_context,
            server_hostname=host,
            https_compatible=https_compatible,
            handshake_timeout=handshake_timeout,
        )
        await stream.handshake()
    except BaseException:
        transport.close()
        raise
    return stream


@suspending
async def open_tls_over_tcp_listeners(
    port: int,
    ssl_context: Context,
    *,
    host: str | bytes | None = None,
    https_compatible: bool = False,
    backlog: int | None = None,
    reuse_port: bool = False,
    handshake_timeout: float = HANDSHAKE_TIMEOUT,
) -> list[TLSListener]:
    """As open_tcp_listeners(), giving TLSListeners."""
    _check_server(ssl_context, handshake_timeout, https_compatible)
    listeners = await open_tcp_listeners(port, host=host, backlog=backlog, reuse_port=reuse_port)
    return [
        TLSListener(
            listener,
            ssl_context,
            https_compatible=https_compatible,
            handshake_timeout=handshake_timeout,
        )
        for listener in listeners
    ]


@suspending
async def serve_tls_over_tcp(
    handler: Callable[[TLSStream], Coro[Any]],
    port: int,
    ssl_context: Context,
    *,
    host: str | bytes | None = None,
    https_compatible: bool = False,
    backlog: int | None = None,
    reuse_port: bool = False,
    handshake_timeout: float = HANDSHAKE_TIMEOUT,
) -> None:
    """As serve_tcp(): runs handler(stream) for each connection, with a TLSStream whose
    handshake is over; it is closed when the handler ends. Handshakes are made in the handlers'
    own tasks. A client whose handshake fails is logged (logging.getLogger("tonio.net.tls"),
    level INFO) and dropped: on a public port that is no failure of the server's."""
    if not callable(handler):
        raise TypeError(f"the handler must be a function, not {type(handler).__name__}")
    listeners = await open_tls_over_tcp_listeners(
        port,
        ssl_context,
        host=host,
        https_compatible=https_compatible,
        backlog=backlog,
        reuse_port=reuse_port,
        handshake_timeout=handshake_timeout,
    )

    async def handle(stream: TLSStream) -> None:
        try:
            await stream.handshake()
        except OSError as failure:
            _log_failed_handshake(stream, failure)
            return
        running = handler(stream)
        if running is None:
            raise TypeError(f"{handler!r} must be a generator or async function")
        await call(running)

    await serve_listeners(handle, listeners)


def _check_server(ssl_context: Context, handshake_timeout: float, https_compatible: bool) -> None:
    # What is wrong with these is told now, not to the first client.
    check_seconds(handshake_timeout, "handshake_timeout")
    make_engine(ssl_context, True, None, https_compatible)


def _log_failed_handshake(stream: TLSStream, failure: OSError) -> None:
    import logging

    try:
        peer = stream.socket.getpeername()
    except OSError:
        peer = "a client that has gone"
    logging.getLogger("tonio.net.tls").info("TLS handshake with %s failed: %s", peer, failure)
