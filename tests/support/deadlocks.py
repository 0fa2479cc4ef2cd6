"""Programs that may be deadlocked, run with several numbers of workers."""

import contextlib

from programs import Program

WORKERS = ("1", "2", "8")

# What they begin with.
START = """
    import os, signal, subprocess, sys, threading, time, weakref
    import tonio.colored as tonio
    from tonio.colored.net import socket
    from tonio.colored.sync import Barrier, Lock, Semaphore
    from tonio.colored.sync.channel import channel

    event = tonio.Event()

    async def forever():
        await tonio.Event().wait()
"""


def run_programs(text):
    """Runs START and text with each number of workers, all at once; gives each number and how
    that program ended."""
    with contextlib.ExitStack() as stack:
        programs = [stack.enter_context(Program(START + text, "--threads", n)) for n in WORKERS]
        return [(n, program.end()) for n, program in zip(WORKERS, programs)]


def add_tests(case, texts):
    """A test for each text of the dictionary, that calls the case's check(text)."""
    for name, text in texts.items():
        setattr(case, f"test_{name}", lambda self, text=text: self.check(text))
