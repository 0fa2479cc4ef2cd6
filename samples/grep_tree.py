"""Searches a tree of files on all workers: `tonio run samples/grep_tree.py -- PATTERN [FOLDER]`.

Prints each line that matches the regular expression, and exits with 1 when none does. On a
terminal a bar shows how far it is.
"""

import argparse
import os
import re
import sys

import tonio.colored as tonio
from tonio.colored import fs
from tonio.colored.sync import channel
from tonio.colored.time import interval

READERS = 4 * (os.process_cpu_count() or 1)


class Progress:
    """What has been done so far. Each reader counts in a place of its own, because several
    run at the same time."""

    def __init__(self):
        self.listed = 0
        self.searched = [0] * READERS
        self.matches = [0] * READERS

    def bar(self, width=30):
        done, all_ = sum(self.searched), self.listed
        filled = width * done // all_ if all_ else 0
        bar = "#" * filled + "." * (width - filled)
        return f"[{bar}] {done}/{all_} files, {sum(self.matches)} lines"


def complain(error):
    print(f"grep_tree: {error.filename}: {error.strerror}", file=sys.stderr)


async def list_files(root, sender, progress):
    try:
        if await root.is_file():
            progress.listed += 1
            await sender.send(root)
        async for folder, folders, files in root.walk(on_error=complain):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                progress.listed += 1
                await sender.send(folder / name)
    finally:
        sender.close()


async def search_files(pattern, receiver, progress, number):
    while True:
        try:
            path = await receiver.receive()
        except BrokenPipeError:
            return  # all files have been listed and received
        try:
            # A pipe or a device might have no end.
            data = await path.read_bytes() if await path.is_file() else b""
        except OSError as error:
            complain(error)
        else:
            lines = list(matching_lines(pattern, path, data))
            progress.matches[number] += len(lines)
            sys.stdout.write("".join(lines))
        progress.searched[number] += 1


def matching_lines(pattern, path, data):
    if b"\0" in data:
        return  # not a text
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        if pattern.search(line):
            yield f"{path}:{number}:{line}\n"


async def show(progress):
    try:
        ticks = interval(0.1)
        while True:
            await ticks.tick()
            print(f"\r\x1b[K{progress.bar()}", end="", file=sys.stderr, flush=True)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", type=re.compile)
    parser.add_argument("folder", nargs="?", default=".")
    args = parser.parse_args()

    progress = Progress()
    sender, receiver = channel.channel(2 * READERS)
    async with tonio.scope() as showing:
        if sys.stderr.isatty():
            showing.spawn(show(progress))
        await tonio.spawn(
            list_files(fs.Path(args.folder), sender, progress),
            *[search_files(args.pattern, receiver, progress, n) for n in range(READERS)],
        )
        showing.cancel()
    sys.exit(0 if any(progress.matches) else 1)
