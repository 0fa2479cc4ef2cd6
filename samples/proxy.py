"""Relays TCP connections: `tonio run samples/proxy.py --port 7000 example.org:80`.

Each direction ends by itself (half-close): a client that has sent its whole request still
gets the answer.
"""

import argparse
import sys

import tonio.colored as tonio
from network_arguments import network_parser, port_number, say_listening
from tonio.colored import net


def target_address(text):
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise argparse.ArgumentTypeError(f"must be HOST:PORT, not {text!r}")
    return host.strip("[]"), port_number(port)


async def relay(source, target):
    while data := await source.receive_some():
        await target.send_all(data)
    target.send_eof()


def handler(host, port):
    async def handle(client):
        try:
            server = await net.open_tcp_stream(host, port)
        except OSError as error:
            print(f"{host}:{port}: {error}", file=sys.stderr, flush=True)
            return
        with server:
            try:
                # When one direction fails, the other one is cancelled.
                async with tonio.scope() as scope:
                    scope.spawn(relay(client, server))
                    scope.spawn(relay(server, client))
            except* ConnectionError:
                pass  # one of the two has vanished

    return handle


async def main():
    parser = network_parser(__doc__)
    parser.add_argument("target", type=target_address, metavar="HOST:PORT")
    args = parser.parse_args()
    listeners = await net.open_tcp_listeners(args.port, host=args.host)
    say_listening(listeners)
    await net.serve_listeners(handler(*args.target), listeners)
