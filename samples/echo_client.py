"""Talks to samples/echo_server.py: `tonio run samples/echo_client.py --port 7000`.

Opens many connections at once, sends messages on each, and checks what comes back.
"""

import time

from network_arguments import network_parser
from tonio.net import socket


def receive_exactly(connection, size):
    received = bytearray()
    while len(received) < size:
        data = yield connection.recv(size - len(received))
        if not data:
            raise ConnectionError("the server has closed the connection")
        received += data
    return received


def talk(address, messages, size):
    with socket.socket() as connection:
        yield connection.connect(address)
        for number in range(messages):
            message = number.to_bytes(4) * (size // 4)
            yield connection.sendall(message)
            echo = yield receive_exactly(connection, len(message))
            assert echo == message, "the echo differs"


def main():
    parser = network_parser(__doc__)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--size", type=int, default=1024)
    args = parser.parse_args()

    start = time.perf_counter()
    yield [
        talk((args.host, args.port), args.messages, args.size)
        for _ in range(args.connections)
    ]
    seconds = time.perf_counter() - start
    total = args.connections * args.messages
    print(f"{total} echoes in {seconds:.2f} s: {total / seconds:.0f} per second")
