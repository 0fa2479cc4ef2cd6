"""TLSStream: a TLS connection over a transport."""

import errno
import sys

from _tonio import spawn

from .._call import call
from .._timeout import timeout
from ..exceptions import ResourceBroken, ResourceBusy
from ..sync import Lock
from ._names import check_seconds
from ._streams import SocketStream
from ._tls_context import TLSContext, certificate_dict, default_client_context

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
        transport,
        ssl_context,
        *,
        server_hostname=None,
        server_side=False,
        https_compatible=False,
        handshake_timeout=HANDSHAKE_TIMEOUT,
    ):
        _check_transport(transport)
        check_seconds(handshake_timeout, "handshake_timeout")
        self.transport = transport
        self._engine = make_engine(ssl_context, server_side, server_hostname, https_compatible)
        self._handshake_timeout = handshake_timeout
        self._handshaking = Lock()
        self._shaken = False
        self._sending, self._receiving = Lock(), Lock()  # one task's receive_some(), send_all()
        self._flushing, self._filling = Lock(), Lock()  # who uses the transport
        self._fills = 0
        self._broken = None
        self._closed = False
        self._ended = False
        # The socket, once and as long as the native operations may use it.
        self._socket = None
        self._send_socket = None

    async def handshake(self):
        """Makes sure that the handshake is over. ResourceBroken with the reason when the peers
        don't agree, a certificate is not acceptable, or handshake_timeout is over."""
        async with self._handshaking:
            if self._shaken:
                return
            self._check_open()
            _, done = await timeout(self._run(self._engine.handshake), self._handshake_timeout)
            if not done:
                raise self._break(
                    f"the TLS handshake was not finished within {self._handshake_timeout:g} s"
                )
            self._shaken = True
            if isinstance(self.transport, SocketStream) and hasattr(self._engine, "receive"):
                self._socket = self._send_socket = self.transport.socket
            # After _shaken, which send_eof() looks at after it has set _ended.
            if self._ended:
                self._say_end()

    def receive_some(self, max_bytes=None):
        """Suspends until there is data, and gives it as bytes: at most max_bytes (None: as many
        as is sensible). b'' when the peer has closed the connection."""
        if self._socket is not None:
            return self._engine.receive(self._socket, max_bytes)
        return self._receive_some(max_bytes)

    def send_all(self, data):
        """Suspends until all of data (bytes-like, or text, which is sent as UTF-8) is sent."""
        if self._send_socket is not None:
            return self._engine.send_all(self._send_socket, data)
        return self._send_all(data)

    def send_eof(self):
        """Ends this side (close_notify): the peer receives b'' after what was sent. Receiving
        goes on. It does not wait: what the transport doesn't take at once is sent by a task of
        its own. Before the handshake it is put off until that is over."""
        self._ended = True
        if self._shaken:
            self._say_end()

    async def close(self):
        """Tells the peer that nothing more will come (close_notify), and closes the transport.
        It does not wait for the peer's answer."""
        if self._closed:
            return
        self._closed = True
        self._send_socket = None
        try:
            if self._shaken and self._broken is None:
                await timeout(self._say_close(), _CLOSE_TIMEOUT)
        finally:
            closing = self.transport.close()
            if closing is not None:
                await call(closing)

    def selected_alpn_protocol(self):
        """The application protocol that was agreed on, or None."""
        return self._engine.selected_alpn_protocol()

    def version(self):
        """"TLSv1.2", "TLSv1.3", or None before the handshake."""
        return self._engine.version()

    def cipher(self):
        """The cipher suite's name, or None before the handshake."""
        return self._engine.cipher()

    def getpeercert(self, binary_form=False):
        """The peer's certificate: a dict as ssl.SSLSocket.getpeercert() gives, or DER bytes.
        None when it has shown none. Not verified if verify_mode is ssl.CERT_NONE."""
        der = self._engine.peer_certificate()
        return der if binary_form or der is None else certificate_dict(der)

    @property
    def session_reused(self):
        """Whether the handshake has resumed an earlier connection's session."""
        return self._engine.session_reused()

    @property
    def socket(self):
        """The transport's socket, if it has one."""
        return self.transport.socket

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # As close(), but only with what can be done at once.
        if self._closed:
            return
        self._closed = True
        self._send_socket = None
        if self._shaken and self._broken is None:
            try:
                self._engine.close_notify()
                self._flush_at_once()
            except OSError:
                pass  # the connection is gone
        if isinstance(self.transport, TLSStream):
            self.transport.__exit__()
        else:
            self.transport.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    def __repr__(self):
        return f"<tonio.net.tls.TLSStream {self.version() or 'no handshake yet'} {self.transport!r}>"

    async def _receive_some(self, max_bytes):
        await self.handshake()
        self._check_open()
        if not self._receiving.try_acquire():
            raise ResourceBusy("another task is already receiving on this TLSStream")
        try:
            return await self._run(self._engine.read, max_bytes)
        finally:
            self._receiving.release()

    async def _send_all(self, data):
        await self.handshake()
        self._check_open()
        if self._ended:
            raise BrokenPipeError(errno.EPIPE, "nothing can be sent after send_eof()")
        if not self._sending.try_acquire():
            raise ResourceBusy("another task is already sending on this TLSStream")
        try:
            # Held from before there is output: receiving never has to send it.
            async with self._flushing:
                self._step(self._engine.write, data)
                await self._drain()
        finally:
            self._sending.release()

    async def _run(self, step, *args):
        """Calls a step of the engine until it has what it needs of the peer. Gives its result."""
        while True:
            fills = self._fills
            try:
                result = self._step(step, *args)
            finally:
                # An alert, if it has failed.
                await self._answer()
            if result is not None:
                return result
            await self._fill(fills)

    def _step(self, step, *args):
        try:
            return step(*args)
        except ResourceBroken as failure:
            self._broken = self._broken or str(failure)
            raise

    async def _answer(self):
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

    async def _drain(self):
        """Sends the engine's output, with _flushing held."""
        try:
            while output := self._engine.take_output():
                await call(self.transport.send_all(output))
        except BaseException:
            # Part of a record may have gone: whatever followed could not be read.
            self._broken = self._broken or "an earlier send was not finished"
            raise

    async def _fill(self, fills):
        async with self._filling:
            # Unless another task has done so since the step.
            if fills == self._fills:
                self._engine.feed(await call(self.transport.receive_some()))
                self._fills += 1

    def _say_end(self):
        self._send_socket = None
        self._engine.close_notify()
        if self._socket is not None:
            self._engine.flush(self._socket)
        spawn.without_tracking(self._flush())

    def _flush_at_once(self):
        """Sends what a socket below takes without waiting; part of it may be lost then."""
        if self._socket is not None:
            self._engine.flush(self._socket)
        elif isinstance(self.transport, SocketStream) and self._flushing.try_acquire():
            try:
                self.transport.socket._send_now(self._engine.take_output())
            finally:
                self._flushing.release()

    async def _say_close(self):
        try:
            self._engine.close_notify()
        except ResourceBroken:
            return  # there is nobody to tell
        await self._flush()

    async def _flush(self):
        try:
            if self._socket is not None:
                await self._engine.send_all(self._socket, b"")
            else:
                async with self._flushing:
                    await self._drain()
        except (OSError, ResourceBusy):
            # The connection is gone, or somebody is still sending: there is no orderly end.
            pass

    def _check_open(self):
        if self._closed:
            raise ResourceBroken("the TLSStream is closed")
        if self._broken is not None:
            raise ResourceBroken(self._broken)

    def _break(self, reason):
        self._broken = reason
        return ResourceBroken(reason)


def make_engine(context, server_side, server_hostname, https_compatible):
    if context is None and not server_side:
        context = default_client_context()
    name = _ascii(server_hostname)
    if isinstance(context, TLSContext):
        return context._engine(bool(server_side), name, bool(https_compatible))
    ssl = sys.modules.get("ssl")
    if ssl is not None and isinstance(context, ssl.SSLContext):
        from ._tls_stdlib import StdlibEngine

        return StdlibEngine(context, bool(server_side), name, bool(https_compatible))
    kind = type(context).__name__
    raise TypeError(f"ssl_context must be a tonio.net.tls.TLSContext or ssl.SSLContext, not {kind}")


def _check_transport(transport):
    for method in "send_all", "receive_some", "close":
        if not callable(getattr(transport, method, None)):
            raise TypeError(
                f"transport must have send_all(), receive_some() and close(), as a SocketStream"
                f" has; {type(transport).__name__} has no {method}()"
            )


def _ascii(hostname):
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
