"""HTTP/1.1 for http_hello.py: what was received in, what is to be sent out, no I/O."""

from email.utils import formatdate

GREETING = b"Hello, world!\n"
LARGEST_HEAD = 16 * 1024  # bytes


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
