"""timers_tonio.py NOTATION THREADS WORK COUNT SECONDS: how late sleeps end, and what they cost.

WORK is `row`: COUNT sleeps one after the other, or `once`: COUNT tasks that sleep at the same
time. The same text for our tonio and for the Rust TonIO.
"""

import sys
import time

import report
import tonio
import tonio.colored

notation, threads, work, count, seconds = sys.argv[1:]
count, seconds = int(count), float(seconds)


def generator(late):
    start = time.perf_counter()
    yield tonio.sleep(seconds)
    late.append(time.perf_counter() - start - seconds)


async def coroutine(late):
    start = time.perf_counter()
    await tonio.colored.sleep(seconds)
    late.append(time.perf_counter() - start - seconds)


def run_generators():
    late = []
    with report.stopwatch() as execute:
        if work == "row":
            for _ in range(count):
                yield generator(late)
        else:
            yield tonio.spawn(*[generator(late) for _ in range(count)])
    report.lateness(execute, late)


async def run_coroutines():
    late = []
    with report.stopwatch() as execute:
        if work == "row":
            for _ in range(count):
                await coroutine(late)
        else:
            await tonio.colored.spawn(*[coroutine(late) for _ in range(count)])
    report.lateness(execute, late)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
