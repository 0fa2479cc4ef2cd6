"""tls_echo_tonio.py yield|await|stdlib CERTIFICATE KEY: a TLS echo server; `stdlib` has an
ssl.SSLContext."""

import sys

import report
import tonio
from tonio.net import serve_listeners, tls

kind, certificate, key = sys.argv[1:]


def echo_generator(stream):
    while data := (yield stream.receive_some()):
        yield stream.send_all(data)


async def echo_coroutine(stream):
    while data := await stream.receive_some():
        await stream.send_all(data)


async def serve():
    if kind == "stdlib":
        import ssl

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    else:
        context = tls.TLSContext(server_side=True)
    context.load_cert_chain(certificate, key)
    listeners = await tls.open_tls_over_tcp_listeners(
        0, context, host="127.0.0.1", https_compatible=True
    )
    report.listening(listeners[0].socket.getsockname())
    await serve_listeners(echo_generator if kind == "yield" else echo_coroutine, listeners)


tonio.run(serve(), threads=1)
