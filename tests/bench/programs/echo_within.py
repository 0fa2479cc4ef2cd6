"""echo_within.py NOTATION REQUESTS: a server and its client in one process and one task each:
requests of 1 KiB over a pair of sockets, one in flight. For counting instructions, not for time.
"""

import sys

import tonio
import tonio.colored
import tonio.colored.net.socket
import tonio.net.socket

notation, requests = sys.argv[1:]
REQUEST = bytes(1024)


def serve(connection):
    with connection:
        while data := (yield connection.recv(65536)):
            yield connection.sendall(data)


def ask():
    client, server = tonio.net.socket.socketpair()
    serving = tonio.spawn(serve(server))
    with client:
        for _ in range(int(requests)):
            yield client.sendall(REQUEST)
            assert len((yield client.recv(65536))) == len(REQUEST)
    yield serving


async def colored_serve(connection):
    with connection:
        while data := await connection.recv(65536):
            await connection.sendall(data)


async def colored_ask():
    client, server = tonio.colored.net.socket.socketpair()
    serving = tonio.colored.spawn(colored_serve(server))
    with client:
        for _ in range(int(requests)):
            await client.sendall(REQUEST)
            assert len(await client.recv(65536)) == len(REQUEST)
    await serving


if notation == "yield":
    tonio.run(ask(), threads=1)
else:
    tonio.colored.run(colored_ask(), threads=1)
