"""idle_python.py: the bare interpreter, waiting until it is killed."""

import signal

print("idle", flush=True)
signal.pause()
