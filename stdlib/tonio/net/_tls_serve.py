"""TLS over TCP: clients, listeners and servers."""

from .._call import call
from ._connect import open_tcp_stream
from ._listen import open_tcp_listeners
from ._names import check_seconds
from ._serve import serve_listeners
from ._tls_stream import HANDSHAKE_TIMEOUT, TLSStream, make_engine


class TLSListener:
    """TLSListener(listener, ssl_context, *, https_compatible=False, handshake_timeout=30.0)

    Gives the connections of another listener as TLSStreams, which make their handshake
    when they are used: no client delays another one's accept()."""

    def __init__(
        self,
        listener,
        ssl_context,
        *,
        https_compatible=False,
        handshake_timeout=HANDSHAKE_TIMEOUT,
    ):
        if not callable(getattr(listener, "accept", None)):
            raise TypeError(f"listener must have accept(), {type(listener).__name__} has not")
        self.transport = listener
        self._context = ssl_context
        self._options = {
            "server_side": True,
            "https_compatible": https_compatible,
            "handshake_timeout": handshake_timeout,
        }
        _check_server(ssl_context, handshake_timeout, https_compatible)

    async def accept(self):
        """Suspends until a connection comes, and gives it as a TLSStream."""
        return TLSStream(await call(self.transport.accept()), self._context, **self._options)

    @property
    def socket(self):
        """The listener's socket."""
        return self.transport.socket

    def close(self):
        """Closes the listener."""
        self.transport.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"<tonio.net.tls.TLSListener {self.transport!r}>"


async def open_tls_over_tcp_stream(
    host,
    port,
    *,
    https_compatible=False,
    ssl_context=None,
    happy_eyeballs_delay=None,
    handshake_timeout=HANDSHAKE_TIMEOUT,
):
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


async def open_tls_over_tcp_listeners(
    port,
    ssl_context,
    *,
    host=None,
    https_compatible=False,
    backlog=None,
    reuse_port=False,
    handshake_timeout=HANDSHAKE_TIMEOUT,
):
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


async def serve_tls_over_tcp(
    handler,
    port,
    ssl_context,
    *,
    host=None,
    https_compatible=False,
    backlog=None,
    reuse_port=False,
    handshake_timeout=HANDSHAKE_TIMEOUT,
):
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

    async def handle(stream):
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


def _check_server(ssl_context, handshake_timeout, https_compatible):
    # What is wrong with these is told now, not to the first client.
    check_seconds(handshake_timeout, "handshake_timeout")
    make_engine(ssl_context, True, None, https_compatible)


def _log_failed_handshake(stream, failure):
    import logging

    try:
        peer = stream.socket.getpeername()
    except OSError:
        peer = "a client that has gone"
    logging.getLogger("tonio.net.tls").info("TLS handshake with %s failed: %s", peer, failure)
