"""A minimal HTTP/1.1 server: `tonio run samples/http_hello.py --port 8000`.

With --tls it speaks HTTPS: `--tls FILE` makes a certificate of its own and writes it there,
for `curl --cacert FILE https://localhost:8000/`; --certificate and --key name existing ones.
Answers GET and HEAD with a greeting, keeps connections alive and takes several requests at
once (pipelining); try `curl http://127.0.0.1:8000/` or wrk. It shows what a protocol over
streams looks like, and is no web server: requests with a body are refused.
"""

from email.utils import formatdate

from network_arguments import add_tls_options, network_parser, say_listening, tls_context
from tonio.colored import net, time
from tonio.colored.net import tls

GREETING = b"Hello, world!\n"
LARGEST_HEAD = 16 * 1024  # bytes
LINGER = 1.0  # seconds


class BadRequest(Exception):
    """A request that ends the connection with an answer: its status line."""


def parse_head(head):
    """The method, version and header fields of a request (RFC 9112); field names in lower
    case."""
    request, *lines = head.split(b"\r\n")
    parts = request.split(b" ")
    if len(parts) != 3 or not parts[0] or not parts[1]:
        raise BadRequest("400 Bad Request")
    method, _, version = parts
    if version not in (b"HTTP/1.0", b"HTTP/1.1"):
        raise BadRequest("505 HTTP Version Not Supported")
    fields = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise BadRequest("400 Bad Request")
        fields[name.lower()] = value.strip()
    if version == b"HTTP/1.1" and b"host" not in fields:
        raise BadRequest("400 Bad Request")
    if fields.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in fields:
        raise BadRequest("413 Content Too Large")
    return method, version, fields


def stays_open(version, fields):
    wishes = [wish.strip() for wish in fields.get(b"connection", b"").lower().split(b",")]
    return b"keep-alive" in wishes if version == b"HTTP/1.0" else b"close" not in wishes


def response(status, body, keep_alive, with_body=True):
    head = (
        f"HTTP/1.1 {status}\r\nDate: {formatdate(usegmt=True)}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")


def answer(head):
    """The response to a request, and whether the connection goes on."""
    method, version, fields = parse_head(head)
    keep_alive = stays_open(version, fields)
    if method not in (b"GET", b"HEAD"):
        return response("501 Not Implemented", b"", keep_alive), keep_alive
    return response("200 OK", GREETING, keep_alive, method == b"GET"), keep_alive


def answers(buffer):
    """The responses to all requests in the buffer, what is left of it, and whether the
    connection goes on."""
    out = []
    while True:
        head, end, rest = buffer.partition(b"\r\n\r\n")
        try:
            if not end and len(head) <= LARGEST_HEAD:
                return b"".join(out), buffer, True
            if len(head) > LARGEST_HEAD:
                raise BadRequest("431 Request Header Fields Too Large")
            # Empty lines before a request are to be ignored (RFC 9112, section 2.2).
            data, keep_alive = answer(head.lstrip(b"\r\n"))
        except BadRequest as bad:
            data, keep_alive = response(str(bad), b"", False), False
        out.append(data)
        if not keep_alive:
            return b"".join(out), b"", False
        buffer = rest


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
