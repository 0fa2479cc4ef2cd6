"""blocking_tonio.py NOTATION THREADS COUNT: calls of an empty function on the blocking pool,
one after the other.

The same text for our tonio and for the Rust TonIO.
"""

import sys

import report
import tonio
import tonio.colored

notation, threads, count = sys.argv[1:]
count = int(count)


def nothing():
    pass


def run_generators():
    yield tonio.spawn_blocking(nothing)
    with report.stopwatch() as execute:
        for _ in range(count):
            yield tonio.spawn_blocking(nothing)
    report.execution(execute)


async def run_coroutines():
    await tonio.colored.spawn_blocking(nothing)
    with report.stopwatch() as execute:
        for _ in range(count):
            await tonio.colored.spawn_blocking(nothing)
    report.execution(execute)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
