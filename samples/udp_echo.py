"""Sends each datagram back: `tonio run samples/udp_echo.py --port 7000`.

Try it with `nc -u 127.0.0.1 7000`. Several tasks wait on the one socket, so that datagrams
are answered on every worker.
"""

import tonio
from network_arguments import network_parser
from tonio.net import socket

TASKS = 4
LARGEST = 65535  # bytes


def echo(sock):
    while True:
        data, sender = yield sock.recvfrom(LARGEST)
        try:
            yield sock.sendto(data, sender)
        except ConnectionRefusedError:
            pass  # an earlier answer found nobody


def main():
    args = network_parser(__doc__).parse_args()
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        yield sock.bind((args.host, args.port))
        host, port = sock.getsockname()
        print(f"listening on {host}:{port}", flush=True)
        yield tonio.spawn(*[echo(sock) for _ in range(TASKS)])
