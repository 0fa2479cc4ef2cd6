"""A minimal HTTP/1.1 server: `tonio run samples/http_hello.py --port 8000`.

With --tls it speaks HTTPS: `--tls FILE` makes a certificate of its own and writes it there,
for `curl --cacert FILE https://localhost:8000/`; --certificate and --key name existing ones.
Answers GET and HEAD with a greeting, keeps connections alive and takes several requests at
once (pipelining); try `curl http://127.0.0.1:8000/` or wrk. It shows what a protocol over
streams looks like, and is no web server: requests with a body are refused.
"""

from http_messages import answers
from network_arguments import add_tls_options, network_parser, say_listening, tls_context
from tonio.colored import net, time
from tonio.colored.net import tls

LINGER = 1.0  # seconds


async def handle(stream):
    buffer = b""
    keep_alive = True
    try:
        while keep_alive and (data := await stream.receive_some()):
            out, buffer, keep_alive = answers(buffer + data)
            if out:
                await stream.send_all(out)
        if not keep_alive:
            # Closing while data comes in would reset the connection, and the client might
            # lose the answer (RFC 9112, section 9.6).
            stream.send_eof()
            await time.timeout(ignore_rest(stream), LINGER)
    except OSError:
        pass  # the client has vanished


async def ignore_rest(stream):
    while await stream.receive_some():
        pass


async def main():
    parser = network_parser(__doc__, port=8000)
    add_tls_options(parser)
    args = parser.parse_args()
    context = tls_context(args, alpn=["http/1.1"])
    if context is None:
        listeners = await net.open_tcp_listeners(args.port, host=args.host)
    else:
        listeners = await tls.open_tls_over_tcp_listeners(args.port, context, host=args.host)
    say_listening(listeners)
    await net.serve_listeners(handle, listeners)
