"""echo_asyncio.py sock|protocol|uvloop RECV_SIZE: echo servers of asyncio and uvloop.

`sock` reads with sock_recv, as the tonio programs do; the two others are a
Protocol, whose loop reads as much as it likes (asyncio: 256 KiB).
"""

import asyncio
import socket
import sys

import report

kind, recv_size = sys.argv[1:]
recv_size = int(recv_size)


async def serve_sock():
    loop = asyncio.get_running_loop()
    tasks = set()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.setblocking(False)
        report.listening(listener.getsockname())
        while True:
            connection, _ = await loop.sock_accept(listener)
            task = loop.create_task(echo(loop, connection))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


async def echo(loop, connection):
    with connection:
        report.no_delay(connection)
        while data := await loop.sock_recv(connection, recv_size):
            await loop.sock_sendall(connection, data)


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport  # the loop has set TCP_NODELAY

    def data_received(self, data):
        self.transport.write(data)


async def serve_protocol():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    report.listening(server.sockets[0].getsockname())
    await server.serve_forever()


if kind == "sock":
    asyncio.run(serve_sock())
elif kind == "protocol":
    asyncio.run(serve_protocol())
else:
    import uvloop

    uvloop.run(serve_protocol())
