"""TLSStream: a TLS connection over a transport."""

from __future__ import annotations

import errno
import sys

from _tonio import spawn

from .._call import call
from .._suspending import suspending
from .._timeout import timeout
from ..exceptions import ResourceBroken, ResourceBusy
from ..sync import Lock
from ._names import check_seconds
from ._streams import SocketStream
from ._tls_context import TLSContext, certificate_dict, default_client_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import Any, Literal, Protocol, TypeVar, overload

    from _tonio import TlsEngine
    from _typeshed import ReadableBuffer

    from ..types import Coro, Operation
    from .socket import socket as _socket

    _T = TypeVar("_T")
    _Data = ReadableBuffer | str
    Context = TLSContext | ssl.SSLContext

    class Transport(Protocol):
        """What TLSStream takes; in either notation."""

        def send_all(self, data: bytes, /) -> Coro[Any]: ...
        def receive_some(self) -> Coro[bytes]: ...
        def close(self) -> Any: ...

HANDSHAKE_TIMEOUT = 30.0  # seconds
# A peer that reads nothing more must not keep a close() waiting.
_CLOSE_TIMEOUT = 5.0


class TLSStream:
    """TLSStream(transport, ssl_context, *, server_hostname=None, server_side=False,
    https_compatible=False, handshake_timeout=30.0)

    TLS over a transport: a SocketStream, or anything with send_all(), receive_some() and
    close(), in either notation; the stream owns it. ssl_context is a TLSContext or an
    ssl.SSLContext. server_hostname is the name that a client expects the server's
    certificate to be for. With https_compatible, a peer that just ends the connection is
    taken to have closed it; else that is an error, because the end of what it sent may be
    missing.

    The handshake is made by the first call that needs it, or by handshake(). One task may
    receive while another one sends; the second that receives, or sends, at the same time gets
    tonio.exceptions.ResourceBusy."""

    def __init__(
        self,
        transport: Transport,
        ssl_context: Context | None,
        *,
        server_hostname: str | bytes | None = None,
        server_side: bool = False,
        https_compatible: bool = False,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
    ) -> None:
        _check_transport(transport)
        check_seconds(handshake_timeout, "handshake_timeout")
        self.transport: Any = transport
        self._engine = make_engine(ssl_context, server_side, server_hostname, https_compatible)
        self._handshake_timeout = handshake_timeout
        self._handshaking = Lock()
        self._shaken = False
        self._sending, self._receiving = Lock(), Lock()  # one task's receive_some(), send_all()
        self._flushing, self._filling = Lock(), Lock()  # who uses the transport
        self._fills = 0
        # Why nothing works any more, and why nothing can be sent any more.
        self._broken: str | None = None
        self._send_broken: str | None = None
        self._closed = False
        self._ended = False
        # The socket, once and as long as the native operations may use it.
        self._socket: _socket | None = None
        self._send_socket: _socket | None = None

    @suspending
    async def handshake(self) -> None:
        """Makes sure that the handshake is over. ResourceBroken with the reason when the peers
        don't agree, a certificate is not acceptable, or handshake_timeout is over."""
        async with self._handshaking:
            if self._shaken:
                return
            self._check_open()
            if self._send_broken is not None:
                raise ResourceBroken(self._send_broken)
            _, done = await timeout(self._shake(), self._handshake_timeout)
            if not done:
                raise self._break(
                    f"the TLS handshake was not finished within {self._handshake_timeout:g} s"
                )
            self._shaken = True
            is_native = isinstance(self.transport, SocketStream) and hasattr(self._engine, "receive")
            if is_native and self._send_broken is None:
                self._socket = self._send_socket = self.transport.socket
            # After _shaken, which send_eof() looks at after it has set _ended.
            if self._ended:
                self._say_end()

    def receive_some(self, max_bytes: int | None = None) -> Operation[bytes]:
        """Suspends until there is data, and gives it as bytes: at most max_bytes (None: as many
        as is sensible). b'' when the peer has closed the connection."""
        if self._socket is not None:
            return self._engine.receive(self._socket, max_bytes)
        return self._receive_some(max_bytes)

    def send_all(self, data: _Data) -> Operation[None]:
        """Suspends until all of data (bytes-like, or text, which is sent as UTF-8) is sent."""
        if self._send_socket is not None:
            return self._engine.send_all(self._send_socket, data)
        return self._send_all(data)

    def send_eof(self) -> None:
        """Ends this side (close_notify): the peer receives b'' after what was sent. Receiving
        goes on. It does not wait: what the transport doesn't take at once is sent by a task of
        its own. Before the handshake it is put off until that is over."""
        self._ended = True
        if self._shaken:
            self._say_end()

    @suspending
    async def close(self) -> None:
        """Tells the peer that nothing more will come (close_notify), and closes the transport.
        It does not wait for the peer's answer."""
        if self._closed:
            return
        self._closed = True
        self._send_socket = None
        try:
            if self._shaken and self._broken is None and self._send_broken is None:
                await timeout(self._say_close(), _CLOSE_TIMEOUT)
        finally:
            closing = self.transport.close()
            if closing is not None:
                await call(closing)

    def selected_alpn_protocol(self) -> str | None:
        """The application protocol that was agreed on, or None."""
        return self._engine.selected_alpn_protocol()

    def version(self) -> str | None:
        """"TLSv1.2", "TLSv1.3", or None before the handshake."""
        return self._engine.version()

    def cipher(self) -> str | None:
        """The cipher suite's name, or None before the handshake."""
        return self._engine.cipher()

    if TYPE_CHECKING:

        @overload
        def getpeercert(self, binary_form: Literal[False] = False) -> dict[str, Any] | None: ...
        @overload
        def getpeercert(self, binary_form: Literal[True]) -> bytes | None: ...

    def getpeercert(self, binary_form: bool = False) -> dict[str, Any] | bytes | None:
        """The peer's certificate: a dict as ssl.SSLSocket.getpeercert() gives, or DER bytes.
        None when it has shown none. Not verified if verify_mode is ssl.CERT_NONE."""
        der = self._engine.peer_certificate()
        return der if binary_form or der is None else certificate_dict(der)

    @property
    def session_reused(self) -> bool:
        """Whether the handshake has resumed an earlier connection's session."""
        return self._engine.session_reused()

    @property
    def socket(self) -> _socket:
        """The transport's socket, if it has one."""
        socket: _socket = self.transport.socket
        return socket

    def __enter__(self) -> TLSStream:
        return self

    def __exit__(self, *_: object) -> None:
        # As close(), but only with what can be done at once.
        if self._closed:
            return
        self._closed = True
        self._send_socket = None
        if self._shaken and self._broken is None and self._send_broken is None:
            try:
                self._engine.close_notify()
                self._flush_at_once()
            except OSError:
                pass  # the connection is gone
        if isinstance(self.transport, TLSStream):
            self.transport.__exit__()
        else:
            self.transport.close()

    async def __aenter__(self) -> TLSStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<tonio.net.tls.TLSStream {self.version() or 'no handshake yet'} {self.transport!r}>"

    @suspending
    async def _receive_some(self, max_bytes: int | None) -> bytes:
        # In any case a checkpoint, also where what was received lies ready.
        async with self._handshaking:
            shaken = self._shaken
        if not shaken:
            await self.handshake()
        if self._socket is not None:
            return await self._engine.receive(self._socket, max_bytes)
        self._check_open()
        if not self._receiving.try_acquire():
            raise ResourceBusy("another task is already receiving on this TLSStream")
        try:
            data = await self._run(self._engine.read, max_bytes)
            self._answer_soon()
            return data
        finally:
            self._receiving.release()

    @suspending
    async def _send_all(self, data: _Data) -> None:
        async with self._handshaking:
            shaken = self._shaken
        if not shaken:
            await self.handshake()
        if self._send_socket is not None:
            return await self._engine.send_all(self._send_socket, data)
        self._check_open()
        self._check_sending()
        if not self._sending.try_acquire():
            raise ResourceBusy("another task is already sending on this TLSStream")
        try:
            # Held from before there is output: receiving never has to send it.
            async with self._flushing:
                self._check_sending()
                # Receiving goes on whatever comes of it, so not by _step().
                if self._engine.write(data) is None:
                    raise ResourceBroken("the peer wants a new handshake, which is not supported")
                await self._drain()
        finally:
            self._sending.release()

    async def _run(self, step: Callable[..., _T | None], *args: Any) -> _T:
        """Calls a step of the engine until it has what it needs of the peer. Gives its result."""
        while True:
            fills = self._fills
            try:
                result = self._step(step, *args)
            except ResourceBroken:
                await self._answer()  # with an alert
                raise
            if result is not None:
                return result
            if self._shaken:
                self._answer_soon()
            else:
                await self._answer()
            await self._fill(fills)

    async def _shake(self) -> None:
        await self._run(self._engine.handshake)
        await self._answer()

    def _step(self, step: Callable[..., _T], *args: Any) -> _T:
        try:
            return step(*args)
        except ResourceBroken as failure:
            self._broken = self._broken or str(failure)
            raise

    async def _answer(self) -> None:
        """Sends what the engine has to say by itself. If another task is sending, that one, or
        the next, sends this as well: receiving does not wait for a peer that receives nothing
        before it has sent."""
        if not self._flushing.try_acquire():
            return
        try:
            await self._drain()
        except OSError:
            # Receiving tells what is wrong with the connection.
            pass
        finally:
            self._flushing.release()

    def _answer_soon(self) -> None:
        """As _answer(), by a task of its own: receiving doesn't wait for it, and who is cancelled
        in it would lose what was received, and end sending."""
        if self._engine.has_output() and not self._flushing.locked():
            spawn.without_tracking(self._flush())

    async def _drain(self) -> None:
        """Sends the engine's output, with _flushing held. Nothing may follow half a record."""
        try:
            while (output := self._engine.take_output()) and self._send_broken is None:
                await call(self.transport.send_all(output))
        except BaseException:
            # Part of a record may have gone: whatever followed could not be read. What the peer
            # has sent still can be.
            self._send_broken = self._send_broken or "an earlier send was not finished"
            raise

    async def _fill(self, fills: int) -> None:
        async with self._filling:
            # Unless another task has done so since the step.
            if fills == self._fills:
                self._engine.feed(await call(self.transport.receive_some()))
                self._fills += 1

    def _say_end(self) -> None:
        self._send_socket = None
        if self._closed or self._send_broken is not None:
            return
        self._engine.close_notify()
        if self._socket is not None:
            self._engine.flush(self._socket)
        spawn.without_tracking(self._flush())

    def _flush_at_once(self) -> None:
        """Sends what a socket below takes without waiting; part of it may be lost then."""
        if self._socket is not None:
            self._engine.flush(self._socket)
        elif isinstance(self.transport, SocketStream) and self._flushing.try_acquire():
            try:
                self.transport.socket._send_now(self._engine.take_output())
            finally:
                self._flushing.release()

    async def _say_close(self) -> None:
        try:
            self._engine.close_notify()
        except ResourceBroken:
            return  # there is nobody to tell
        await self._flush()

    async def _flush(self) -> None:
        try:
            if self._socket is not None:
                await self._engine.send_all(self._socket, b"")
            else:
                async with self._flushing:
                    await self._drain()
        except (OSError, ResourceBusy):
            # The connection is gone, or somebody is still sending: there is no orderly end.
            pass

    def _check_open(self) -> None:
        if self._closed:
            raise ResourceBroken("the TLSStream is closed")
        if self._broken is not None:
            raise ResourceBroken(self._broken)

    def _check_sending(self) -> None:
        if self._ended:
            raise BrokenPipeError(errno.EPIPE, "nothing can be sent after send_eof()")
        if self._send_broken is not None:
            raise ResourceBroken(self._send_broken)

    def _break(self, reason: str) -> ResourceBroken:
        self._broken = reason
        return ResourceBroken(reason)


def make_engine(
    context: Context | None,
    server_side: bool,
    server_hostname: str | bytes | None,
    https_compatible: bool,
) -> TlsEngine:
    if context is None and not server_side:
        context = default_client_context()
    name = _ascii(server_hostname)
    if isinstance(context, TLSContext):
        return context._engine(bool(server_side), name, bool(https_compatible))
    ssl = sys.modules.get("ssl")
    if ssl is not None and isinstance(context, ssl.SSLContext):
        from ._tls_stdlib import StdlibEngine

        engine = StdlibEngine(context, bool(server_side), name, bool(https_compatible))
        # It has what a TlsEngine has, but receive(), send_all() and flush().
        return engine  # type: ignore[return-value]
    kind = type(context).__name__
    raise TypeError(f"ssl_context must be a tonio.net.tls.TLSContext or ssl.SSLContext, not {kind}")


def _check_transport(transport: object) -> None:
    for method in "send_all", "receive_some", "close":
        if not callable(getattr(transport, method, None)):
            raise TypeError(
                f"transport must have send_all(), receive_some() and close(), as a SocketStream"
                f" has; {type(transport).__name__} has no {method}()"
            )


def _ascii(hostname: str | bytes | None) -> str:
    """A host name as it stands in certificates: IDNA, as the standard library has it, and
    addresses without their zone (RFC 4007), which means something to this machine only."""
    if hostname is None:
        return ""
    if isinstance(hostname, bytes):
        hostname = hostname.decode("ascii")
    if not isinstance(hostname, str):
        raise TypeError(f"server_hostname must be str or bytes, not {type(hostname).__name__}")
    if ":" in hostname:
        return hostname.partition("%")[0]
    return hostname if hostname.isascii() else hostname.encode("idna").decode("ascii")
