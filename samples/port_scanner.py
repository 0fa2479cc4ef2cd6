"""Tells which TCP ports are open: `tonio run samples/port_scanner.py 127.0.0.1 1-1024`."""

import argparse

from network_arguments import port_number
from tonio import sync, time
from tonio.net import socket


def port_range(text):
    first, _, last = text.partition("-")
    ports = range(port_number(first), port_number(last or first) + 1)
    if not ports:
        raise argparse.ArgumentTypeError(f"{text!r} is no range such as 1-1024")
    return ports


def probe(family, address, limit, seconds):
    """Whether somebody accepts connections there."""
    with (yield limit()):
        with socket.socket(family) as sock:
            try:
                _, in_time = yield time.timeout(sock.connect(address), seconds)
            except OSError:
                return False
            return in_time


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("host")
    parser.add_argument("ports", type=port_range, nargs="?", default="1-1024")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds for each port")
    parser.add_argument("--at-once", type=int, default=500, help="ports to try at the same time")
    args = parser.parse_args()

    try:
        found = yield socket.getaddrinfo(args.host, 0, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        parser.error(f"{args.host}: {error.strerror}")
    family, _, _, _, (host, _, *scope) = found[0]
    limit = sync.Semaphore(args.at_once)
    answers = yield [
        probe(family, (host, port, *scope), limit, args.timeout) for port in args.ports
    ]
    for port, is_open in zip(args.ports, answers):
        if is_open:
            print(port)
