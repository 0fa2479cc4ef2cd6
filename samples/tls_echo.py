"""An echo server over TLS that makes its own certificate: `tonio run samples/tls_echo.py
--certificate-file /tmp/echo.pem`.

Try it with `openssl s_client -connect 127.0.0.1:7000 -CAfile /tmp/echo.pem -quiet`.
"""

import pathlib

from network_arguments import network_parser, say_listening
from tonio import net
from tonio.net import tls


def echo(stream):
    try:
        while data := (yield stream.receive_some()):
            yield stream.send_all(data)
    except OSError:
        pass  # the client has vanished, or never meant TLS


def main():
    parser = network_parser(__doc__)
    parser.add_argument(
        "--certificate-file", required=True, metavar="FILE", help="where clients find it"
    )
    args = parser.parse_args()

    certificate, key = tls.self_signed_certificate("localhost", "127.0.0.1", "::1")
    pathlib.Path(args.certificate_file).write_bytes(certificate)
    context = tls.TLSContext(server_side=True)
    context.load_cert_chain(certificate, key)

    listeners = yield tls.open_tls_over_tcp_listeners(args.port, context, host=args.host)
    say_listening(listeners)
    yield net.serve_listeners(echo, listeners)
