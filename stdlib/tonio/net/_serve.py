"""Servers: accept loops whose handlers are their children."""

from __future__ import annotations

import errno

from _tonio import report_failure, scope, sleep

from .._call import call
from .._suspending import suspending
from ._listen import open_tcp_listeners, open_unix_listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Any, Protocol, TypeVar

    from _typeshed import StrOrBytesPath

    from ..types import Coro
    from ._streams import SocketStream

    class _Stream(Protocol):
        def __enter__(self) -> Any: ...
        def __exit__(self, *_: Any) -> None: ...
        def close(self) -> Awaitable[None] | None: ...

    _S = TypeVar("_S", bound=_Stream)
    _S_co = TypeVar("_S_co", bound=_Stream, covariant=True)

    class _Listener(Protocol[_S_co]):
        def accept(self) -> Awaitable[_S_co]: ...
        def close(self) -> None: ...

    _Handler = Callable[[_S], Coro[Any]]

# What descriptors, buffers, memory or the places of epoll(7) are short for goes by when connections
# end (accept(2), epoll_ctl(2)).
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC}
_SHORTAGE_PAUSE = 0.1  # seconds

# accept(2) gives these errors of the new connection; the next one may be all right.
_CONNECTION_FAILURES = {
    errno.ENETDOWN,
    errno.EPROTO,
    errno.ENOPROTOOPT,
    errno.EHOSTDOWN,
    errno.ENONET,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EPERM,
}


@suspending
async def serve_listeners(handler: _Handler[_S], listeners: Iterable[_Listener[_S]]) -> None:
    """Accepts on the listeners, and runs handler(stream) for each connection, as a task of its
    own. handler is a generator or async function; its stream is closed when it ends. A handler
    that fails is reported on standard error, and the server goes on. A shortage of descriptors
    is waited out.

    Handlers are children of the server: cancelling it cancels them, and it ends when they have
    ended. Closing the listeners only stops accepting: the server ends when the handlers have
    ended by themselves. A listener that fails ends it with that OSError. The listeners are
    closed at the end."""
    if not hasattr(listeners, "__iter__"):
        raise TypeError(f"listeners must be a list of listeners, not {type(listeners).__name__}")
    listeners = list(listeners)
    try:
        if not callable(handler):
            raise TypeError(f"the handler must be a function, not {type(handler).__name__}")
        if not listeners:
            raise ValueError("serve_listeners() takes at least one listener")
        for listener in listeners:
            if not callable(getattr(listener, "accept", None)):
                raise TypeError(f"a listener must have accept(), {type(listener).__name__} has not")
        async with scope() as server:
            # One in the server's own task, so that its failure is raised as it is.
            first, *others = listeners
            for listener in others:
                server.spawn(_accept(handler, listener, server))
            await _accept(handler, first, server)
    finally:
        for listener in listeners:
            if hasattr(listener, "close"):
                listener.close()


@suspending
async def serve_tcp(
    handler: _Handler[SocketStream],
    port: int,
    *,
    host: str | bytes | None = None,
    backlog: int | None = None,
    reuse_port: bool = False,
) -> None:
    """open_tcp_listeners() and serve_listeners() in one."""
    listeners = await open_tcp_listeners(port, host=host, backlog=backlog, reuse_port=reuse_port)
    await serve_listeners(handler, listeners)


@suspending
async def serve_unix(
    handler: _Handler[SocketStream],
    path: StrOrBytesPath,
    *,
    mode: int | None = None,
    backlog: int | None = None,
) -> None:
    """open_unix_listener() and serve_listeners() in one."""
    await serve_listeners(handler, [await open_unix_listener(path, mode=mode, backlog=backlog)])


async def _accept(handler: _Handler[_S], listener: _Listener[_S], server: scope) -> None:
    while True:
        try:
            stream = await listener.accept()
        except OSError as failure:
            if failure.errno == errno.EBADF:
                return  # it was closed: the connections that there are go on
            if failure.errno in _SHORTAGES:
                await sleep(_SHORTAGE_PAUSE)
            elif failure.errno not in _CONNECTION_FAILURES:
                raise
        else:
            server.spawn(_handle(handler, stream))


async def _handle(handler: _Handler[_S], stream: _S) -> None:
    with stream:
        try:
            running = handler(stream)
            if running is None:
                raise TypeError(f"{handler!r} must be a generator or async function")
            await call(running)
            # A stream that has more to say at its end than can be said at once: TLS.
            if (closing := stream.close()) is not None:
                await call(closing)
        except Exception as failure:
            report_failure("server's handler", failure)
