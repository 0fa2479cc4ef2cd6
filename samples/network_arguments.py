"""The command line that the network samples share."""

import argparse
import pathlib

from tonio.net import tls


def port_number(text):
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a port number, 0 to 65535, not {text!r}")
    return int(text)


def network_parser(description, port=7000):
    """A parser with --host and --port."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port_number, default=port)
    return parser


def add_tls_options(parser):
    """--tls, --certificate, --key; tls_context() makes a context of them."""
    parser.add_argument(
        "--tls", metavar="FILE", help="make a certificate and write it to FILE, for clients"
    )
    parser.add_argument("--certificate", metavar="FILE", help="use this certificate (PEM)")
    parser.add_argument("--key", metavar="FILE", help="its private key (PEM)")


def tls_context(args, alpn=()):
    """A server's TLSContext, or None without TLS options."""
    context = tls.TLSContext(server_side=True)
    context.set_alpn_protocols(alpn)
    if args.certificate:
        context.load_cert_chain(args.certificate, args.key)
    elif args.tls:
        certificate, key = tls.self_signed_certificate("localhost", "127.0.0.1", "::1")
        context.load_cert_chain(certificate, key)
        pathlib.Path(args.tls).write_bytes(certificate)
    else:
        return None
    return context


def say_listening(listeners):
    """One line for each address; port 0 has become a free one."""
    for listener in listeners:
        host, port = listener.socket.getsockname()[:2]
        print(f"listening on {host}:{port}", flush=True)
