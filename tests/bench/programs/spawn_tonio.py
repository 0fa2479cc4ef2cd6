"""spawn_tonio.py NOTATION THREADS COUNT: spawn a task and wait for it, one after the other.

The same text for our tonio and for the Rust TonIO.
"""

import sys

import report
import tonio
import tonio.colored

notation, threads, count = sys.argv[1:]


def generator():
    return 1
    yield


async def coroutine():
    return 1


def run_generators():
    with report.stopwatch() as execute:
        for _ in range(int(count)):
            yield tonio.spawn(generator())
    report.execution(execute)


async def run_coroutines():
    with report.stopwatch() as execute:
        for _ in range(int(count)):
            await tonio.colored.spawn(coroutine())
    report.execution(execute)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
