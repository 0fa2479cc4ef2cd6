"""idle_tonio.py WORK: waits until it is killed; `sleep`, or `serve` with a listener."""

import sys

import tonio

if sys.argv[1] == "serve":
    import tonio.net


def serve(stream):
    yield


def main():
    if sys.argv[1] == "serve":
        listeners = yield tonio.net.open_tcp_listeners(0, host="127.0.0.1")
        print("idle", flush=True)
        yield tonio.net.serve_listeners(serve, listeners)
    print("idle", flush=True)
    yield tonio.sleep(3600)


tonio.run(main(), threads=2)
