"""What stands for a blocking call that a cancellation interrupts."""

import time


def block():
    """Blocks until an exception is raised in it.

    In time.sleep, not in a lock or an event of threading: these are written in Python, and what is
    raised between two of their instructions can leave them in disorder (as Ctrl-C can).
    """
    while True:
        time.sleep(0.0005)
