"""An echo server on low-level sockets: `tonio run samples/echo_server.py --port 7000`.

Stop it with Ctrl-C. It serves on every worker; try it with samples/echo_client.py, or
with `nc 127.0.0.1 7000`. Port 0 takes a free one. Add `--threads 1` to see one core.
"""

import errno

import tonio.colored as tonio
from network_arguments import network_parser
from tonio.colored.net import socket


async def echo(connection):
    # However this ends, at the client's wish or with the server, the socket is closed.
    with connection:
        try:
            while data := await connection.recv(64 * 1024):
                await connection.sendall(data)
        except ConnectionError:
            pass  # the client has vanished


async def serve(listener):
    while True:
        try:
            connection, _ = await listener.accept()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            await tonio.sleep(0.1)  # too many open files: some client will leave
        else:
            tonio.spawn.without_tracking(echo(connection))


async def main():
    parser = network_parser(__doc__)
    args = parser.parse_args()

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await listener.bind((args.host, args.port))
        listener.listen(1024)
        host, port = listener.getsockname()
        print(f"listening on {host}:{port}", flush=True)
        try:
            await serve(listener)
        finally:
            print("stopped")
