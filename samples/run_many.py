"""Runs shell commands side by side, a few at a time, as `make -j` does.

The commands are read from a file, or standard input, one a line; empty lines and those that
begin with # are skipped. What a command prints comes out in one piece when it has ended. The
first failure lets those that run end and starts no other (--keep-going: starts them all).
Ctrl-C terminates what runs, and whatever that has started.

    tonio run samples/run_many.py --jobs 4 commands.txt
"""

import argparse
import os
import subprocess
import sys

import tonio
from tonio import sync


def read_arguments():
    parser = argparse.ArgumentParser(description="Runs shell commands side by side.")
    parser.add_argument("file", nargs="?", type=argparse.FileType(), default=sys.stdin)
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("-k", "--keep-going", action="store_true", help="after a failure, too")
    arguments = parser.parse_args()
    if arguments.jobs < 1:
        parser.error("--jobs must be 1 or more")
    return arguments


class Runner:
    def __init__(self, jobs, keep_going):
        self.slots = sync.Semaphore(jobs)
        self.keep_going = keep_going
        # Lists, which several workers may append to at the same time.
        self.failed = []
        self.skipped = []

    def run_all(self, commands):
        with tonio.scope() as scope:
            for command in commands:
                # Here and not in run(): the commands begin in their order.
                yield self.slots.acquire()
                scope.spawn(self.run(command))
        yield scope()

    def run(self, command):
        try:
            if self.failed and not self.keep_going:
                self.skipped.append(command)
                return
            done = yield tonio.run_process(
                command, shell=True, check=False, capture_stdout=True, stderr=subprocess.STDOUT,
                process_group=0,
            )
            # Before the next one has this slot and looks whether one has failed.
            self.report(command, done)
        finally:
            self.slots.release()

    def report(self, command, done):
        mark = "ok" if done.returncode == 0 else f"failed ({done.returncode})"
        output = done.stdout.decode(errors="replace")
        # One piece, so that commands that end together don't mix.
        sys.stdout.write(f"[{mark}] {command}\n{output}")
        sys.stdout.flush()
        if done.returncode != 0:
            self.failed.append(command)


def main():
    arguments = read_arguments()
    lines = (line.strip() for line in arguments.file)
    commands = [line for line in lines if line and not line.startswith("#")]
    runner = Runner(arguments.jobs, arguments.keep_going)
    yield runner.run_all(commands)
    failed, skipped = len(runner.failed), len(runner.skipped)
    print(f"{len(commands)} commands: {failed} failed, {skipped} not started")
    if failed:
        sys.exit(1)
