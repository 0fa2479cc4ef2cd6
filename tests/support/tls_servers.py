"""TLS servers and contexts for tests."""

import functools

import tonio
from certificates import Authority
from tonio import net
from tonio.net import tls

HOST = "127.0.0.1"


@functools.cache
def authority():
    return Authority()


@functools.cache
def localhost(key="ec"):
    """A certificate for this machine."""
    return authority().issue("localhost", HOST, "::1", key=key)


def server_context(issued=None, **settings):
    """A TLSContext for a server with a certificate, and attributes to set."""
    context = tls.TLSContext(server_side=True)
    issued = issued or localhost()
    context.load_cert_chain(issued.chain, issued.key)
    return _set(context, settings)


def client_context(trusted=None, **settings):
    context = tls.TLSContext()
    context.load_verify_locations((trusted or authority()).certificate)
    return _set(context, settings)


def _set(context, settings):
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def only(version):
    """Settings for one TLS version."""
    return {"minimum_version": version, "maximum_version": version}


async def echo(stream):
    while data := await stream.receive_some():
        await stream.send_all(data)


class Serving:
    """async with Serving(context) as port: a server of `handler` for the time of the block."""

    def __init__(self, context, handler=echo, **options):
        self._context, self._handler, self._options = context, handler, options
        self._scope = tonio.scope()

    async def __aenter__(self):
        await self._scope.__aenter__()
        started = tonio.Event()
        # A port that is free: of a listener that goes as this one comes.
        (probe,) = await net.open_tcp_listeners(0, host=HOST)
        port = probe.socket.getsockname()[1]
        probe.close()

        async def serve():
            await tls.serve_tls_over_tcp(
                self._handler, port, self._context, host=HOST, **self._options
            )

        self._scope.spawn(serve())
        while True:
            try:
                (await net.open_tcp_stream(HOST, port)).close()
                return port
            except OSError:
                await started.wait(0.01)

    async def __aexit__(self, *error):
        self._scope.cancel()
        return await self._scope.__aexit__(*error)
