"""Tells what happens in a folder: `tonio run samples/watch.py -- FOLDER`.

inotify(7) has no Python interface: the C library is called through ctypes, and
tonio.io.register waits for the descriptor. Stop it with Ctrl-C.
"""

import argparse
import ctypes
import os
import struct

from tonio.colored import io

EVENTS = {
    0x00000008: "written",  # IN_CLOSE_WRITE
    0x00000040: "moved away",  # IN_MOVED_FROM
    0x00000080: "moved here",  # IN_MOVED_TO
    0x00000100: "created",  # IN_CREATE
    0x00000200: "deleted",  # IN_DELETE
}
HEADER = struct.Struct("iIII")  # watch, mask, cookie, length of the name

libc = ctypes.CDLL(None, use_errno=True)


def checked(result, path=None):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), path)
    return result


def watch_folder(path):
    """The descriptor from which events are read."""
    fd = checked(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
    try:
        checked(libc.inotify_add_watch(fd, os.fsencode(path), sum(EVENTS)), path)
    except OSError:
        os.close(fd)
        raise
    return fd


def parse(data):
    """(what, name) of each event in what was read."""
    while data:
        _, mask, _, length = HEADER.unpack_from(data)
        name = data[HEADER.size : HEADER.size + length].rstrip(b"\0")
        for bit, what in EVENTS.items():
            if mask & bit:
                yield what, os.fsdecode(name)
        data = data[HEADER.size + length :]


async def events(fd):
    with io.register(fd) as registration:
        while True:
            await registration.arm_r()
            for event in parse(os.read(fd, 64 * 1024)):
                yield event


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=".")
    parser.add_argument("--count", type=int, help="end after so many events")
    args = parser.parse_args()

    fd = watch_folder(args.folder)
    try:
        print("watching", args.folder, flush=True)
        seen = 0
        async for what, name in events(fd):
            print(what, name, flush=True)
            seen += 1
            if seen == args.count:
                break
    finally:
        os.close(fd)
