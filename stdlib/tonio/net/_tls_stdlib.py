"""Engines for the standard library's ssl.SSLContext."""

from __future__ import annotations

import ssl
from _thread import allocate_lock

from ..exceptions import ResourceBroken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeVar

    from _typeshed import ReadableBuffer

    _T = TypeVar("_T")
# What is read at a time, as asyncio does.
_READ_SIZE = 256 * 1024


class _Buffer:
    """A memoryview of _READ_SIZE bytes to read into, for the duration of a block. There are as many
    as there have been such blocks at once, of all connections."""

    _free: list[memoryview] = []

    def __enter__(self) -> memoryview:
        try:
            self._view = self._free.pop()
        except IndexError:
            self._view = memoryview(bytearray(_READ_SIZE))
        return self._view

    def __exit__(
        self, kind: object, exception: object, traceback: TracebackType | None
    ) -> None:
        # What has failed may keep slices of it. CPython 3.13 does not count these safely (the exports
        # of a memoryview), so none may be left when another thread gets the view. The first frame is
        # that of the block, which runs.
        while traceback and (traceback := traceback.tb_next):
            traceback.tb_frame.clear()
        self._free.append(self._view)


class StdlibEngine:
    """What _tonio.TlsEngine is to a TLSContext, for an ssl.SSLContext: an ssl.SSLObject
    between two memory BIOs. Its settings can't all be read from it (its private keys, say), so
    OpenSSL does the work."""

    def __init__(
        self,
        context: ssl.SSLContext,
        server_side: bool,
        server_hostname: str,
        https_compatible: bool,
    ) -> None:
        if context.check_hostname and not (server_side or server_hostname):
            # The ssl module leaves this check to its sockets: no name would be checked here.
            raise ValueError("a TLS client that checks host names needs server_hostname")
        self._lock = allocate_lock()
        # Nothing can be read before input comes: OpenSSL's answer would be an exception.
        self._drained = False
        # Plaintext that came before close_notify() was called.
        self._read_ahead = bytearray()
        # Why nothing more can be read, if that is known before it is asked for.
        self._failure: str | None = None
        self._input, self._output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._input, self._output, server_side, server_hostname or None
        )
        self._https_compatible = https_compatible

    def _call(self, function: Callable[[], _T]) -> _T | None:
        """The function's result; None when input must come first."""
        try:
            with self._lock:
                return function()
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLCertVerificationError as failure:
            raise ResourceBroken(_verification_text(failure, self._object)) from failure
        except ssl.SSLError as failure:
            raise ResourceBroken(_text(failure)) from failure

    def handshake(self) -> bool | None:
        def shake() -> bool:
            self._object.do_handshake()
            return True

        return self._call(shake)

    def read(self, max_bytes: int | None) -> bytes | None:
        if not (max_bytes is None or isinstance(max_bytes, int)):
            kind = type(max_bytes).__name__
            raise TypeError(f"receive_some(): max_bytes must be an int, not {kind}")
        if max_bytes is not None and max_bytes < 1:
            raise ValueError(f"receive_some(): max_bytes must be at least 1: {max_bytes}")
        size = _READ_SIZE if max_bytes is None else min(max_bytes, _READ_SIZE)

        def read() -> bytes | None:
            if self._read_ahead:
                data = bytes(self._read_ahead[:size])
                del self._read_ahead[:size]
                return data
            self._check()
            if self._drained:
                return None
            with _Buffer() as buffer:
                try:
                    return bytes(buffer[: self._read_into(buffer[:size])])
                except ssl.SSLZeroReturnError:
                    return b""
                except ssl.SSLEOFError:
                    if self._https_compatible:
                        return b""
                    raise

        return self._call(read)

    def _read_into(self, buffer: memoryview) -> int:
        """Puts what has come in whole records into buffer, and gives the number of bytes: OpenSSL
        gives those of one record at a time. 0 at the end. What is wrong after some bytes is told by
        the next call."""
        read: Any = self._object.read  # to typeshed it always gives bytes
        count = 0
        try:
            while count < len(buffer):
                got = read(len(buffer) - count, buffer[count:])
                if not got:
                    break
                count += got
                if count < len(buffer) and not (self._input.pending or self._input.eof):
                    self._drained = True
                    break
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            if not count:
                raise  # else OpenSSL tells it again
        except ssl.SSLError as failure:
            if not count:
                raise
            self._failure = _text(failure)
        return count

    def _check(self) -> None:
        if self._failure is not None:
            raise ResourceBroken(self._failure)

    def write(self, data: ReadableBuffer | str) -> bool | None:
        if isinstance(data, str):
            data = data.encode()
        view = memoryview(data).cast("B")

        def write() -> bool:
            self._check()
            # OpenSSL takes all of it: the output has no limit.
            if len(view):
                self._object.write(view)
            return True

        return self._call(write)

    def close_notify(self) -> None:
        def close() -> None:
            # unwrap() wants the peer's close_notify next, and takes data for an error.
            try:
                with _Buffer() as buffer:
                    while count := self._read_into(buffer):
                        self._read_ahead += buffer[:count]
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
                pass  # the next read() is told again
            except ssl.SSLError as failure:
                self._failure = _text(failure)
            try:
                self._object.unwrap()
            except ssl.SSLError:
                pass  # it is said, or there is nobody to tell

        self._call(close)

    def feed(self, data: bytes) -> None:
        with self._lock:
            self._drained = False
            if data:
                self._input.write(data)
            else:
                self._input.write_eof()

    def has_output(self) -> bool:
        with self._lock:
            return self._output.pending > 0

    def take_output(self) -> bytes:
        with self._lock:
            return self._output.read()

    def version(self) -> str | None:
        return self._object.version()

    def cipher(self) -> str | None:
        cipher = self._object.cipher()
        return cipher and cipher[0]

    def selected_alpn_protocol(self) -> str | None:
        return self._object.selected_alpn_protocol()

    def peer_certificate(self) -> bytes | None:
        try:
            return self._object.getpeercert(True)
        except ValueError:
            return None  # before the handshake

    def session_reused(self) -> bool:
        return bool(self._object.session_reused)


def _text(failure: ssl.SSLError) -> str:
    if isinstance(failure, ssl.SSLEOFError):
        return "the peer ended the connection without a close_notify"
    if failure.reason:
        return failure.reason.replace("_", " ").lower()
    # One of an OpenSSL that is newer than what the ssl module knows the names of:
    # "[SSL] record layer failure (_ssl.c:2649)".
    text = failure.strerror or str(failure)
    return text.removeprefix("[SSL] ").partition(" (_ssl.c:")[0]


def _verification_text(failure: ssl.SSLCertVerificationError, connection: ssl.SSLObject) -> str:
    subject = connection.server_hostname or "peer"
    return f"{failure.verify_message} ({subject})"
