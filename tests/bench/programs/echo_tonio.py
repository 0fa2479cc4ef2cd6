"""echo_tonio.py NOTATION THREADS RECV_SIZE [drop]: an echo server on low-level sockets.

With `drop` a connection keeps no answer while it waits, as an asyncio.Protocol keeps none.
For our tonio and for the Rust TonIO, whose sockets have no sendall: its
handlers send until all is sent, in place, which costs it no extra coroutine.
"""

import sys

import report
import tonio
import tonio.colored
import tonio.colored.net.socket
import tonio.net.socket
from report import no_delay

notation, threads, recv_size, *drop = sys.argv[1:]
recv_size = int(recv_size)


def serve_generators():
    with tonio.net.socket.socket() as listener:
        yield listener.bind(("127.0.0.1", 0))
        handler = echo_generator if hasattr(listener, "sendall") else echo_generator_by_send
        if drop:
            handler = echo_generator_that_drops
        listener.listen(1024)
        report.listening(listener.getsockname())
        while True:
            connection, _ = yield listener.accept()
            tonio.spawn(handler(connection))


def echo_generator(connection):
    with connection:
        no_delay(connection)
        while data := (yield connection.recv(recv_size)):
            yield connection.sendall(data)


def echo_generator_that_drops(connection):
    with connection:
        no_delay(connection)
        while data := (yield connection.recv(recv_size)):
            yield connection.sendall(data)
            del data


def echo_generator_by_send(connection):
    with connection:
        no_delay(connection)
        while data := (yield connection.recv(recv_size)):
            while (sent := (yield connection.send(data))) < len(data):
                data = memoryview(data)[sent:]


async def serve_coroutines():
    with tonio.colored.net.socket.socket() as listener:
        await listener.bind(("127.0.0.1", 0))
        handler = echo_coroutine if hasattr(listener, "sendall") else echo_coroutine_by_send
        if drop:
            handler = echo_coroutine_that_drops
        listener.listen(1024)
        report.listening(listener.getsockname())
        while True:
            connection, _ = await listener.accept()
            tonio.colored.spawn(handler(connection))


async def echo_coroutine(connection):
    with connection:
        no_delay(connection)
        while data := await connection.recv(recv_size):
            await connection.sendall(data)


async def echo_coroutine_that_drops(connection):
    with connection:
        no_delay(connection)
        while data := await connection.recv(recv_size):
            await connection.sendall(data)
            del data


async def echo_coroutine_by_send(connection):
    with connection:
        no_delay(connection)
        while data := await connection.recv(recv_size):
            while (sent := await connection.send(data)) < len(data):
                data = memoryview(data)[sent:]


if notation == "yield":
    tonio.run(serve_generators(), threads=int(threads))
else:
    tonio.colored.run(serve_coroutines(), threads=int(threads))
