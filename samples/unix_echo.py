"""An echo server on a Unix socket: `tonio run samples/unix_echo.py /tmp/echo`.

Try it with `nc -U /tmp/echo`. Only the user who has started it may connect.
"""

import argparse
import os

from tonio import net


def echo(stream):
    try:
        while data := (yield stream.receive_some()):
            yield stream.send_all(data)
    except ConnectionError:
        pass  # the client has vanished


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    args = parser.parse_args()

    listener = yield net.open_unix_listener(args.path, mode=0o600)
    print(f"listening on {args.path}", flush=True)
    try:
        yield net.serve_listeners(echo, [listener])
    finally:
        os.unlink(args.path)
