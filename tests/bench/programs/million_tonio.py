"""million_tonio.py NOTATION THREADS COUNT: create coroutines, run them all.

The same text for our tonio and for the Rust TonIO. The program gives up its own
references before it waits, so that freeing the coroutines is the runtime's work
inside the measured time, as it is in the floor's.
"""

import sys

import report
import tonio
import tonio.colored
from tonio.colored import yield_now

notation, threads, count = sys.argv[1:]
count = int(count)


def generator():
    yield
    return 3**2


async def coroutine():
    await yield_now()
    return 3**2


def check(results):
    assert len(results) == count and results[0] == results[-1] == 9


def run_generators():
    with report.stopwatch() as create:
        coros = [generator() for _ in range(count)]
    with report.stopwatch() as execute:
        join = tonio.spawn(*coros)
        del coros
        results = yield join
    check(results)
    report.million(create.seconds, execute.seconds, execute.cpu_seconds)


async def run_coroutines():
    with report.stopwatch() as create:
        coros = [coroutine() for _ in range(count)]
    with report.stopwatch() as execute:
        join = tonio.colored.spawn(*coros)
        del coros
        results = await join
    check(results)
    report.million(create.seconds, execute.seconds, execute.cpu_seconds)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
