"""idle_python.py WORK: the bare interpreter, waiting until it is killed; `sleep`, or `serve` with a
listener.
"""

import signal
import sys

if sys.argv[1] == "serve":
    import socket

    listener = socket.create_server(("127.0.0.1", 0))

print("idle", flush=True)
signal.pause()
