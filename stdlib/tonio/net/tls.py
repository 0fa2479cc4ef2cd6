"""TLS 1.2 and 1.3 over any byte stream.

TLSStream is one connection, over a transport with send_all() and receive_some();
open_tls_over_tcp_stream(), open_tls_over_tcp_listeners() and serve_tls_over_tcp() make them
over TCP. TLSContext says how: certificates, trust, versions, ALPN. A standard library
ssl.SSLContext is accepted in its place.

The peer's certificate and host name are verified, against the system's trusted certificates,
unless a context says otherwise. What goes wrong raises tonio.exceptions.ResourceBroken, an
OSError, with the reason in words.
"""

from ._tls_context import TLSContext, self_signed_certificate
from ._tls_serve import (
    TLSListener,
    open_tls_over_tcp_listeners,
    open_tls_over_tcp_stream,
    serve_tls_over_tcp,
)
from ._tls_stream import TLSStream

__all__ = [
    "TLSContext",
    "TLSListener",
    "TLSStream",
    "open_tls_over_tcp_listeners",
    "open_tls_over_tcp_stream",
    "self_signed_certificate",
    "serve_tls_over_tcp",
]
