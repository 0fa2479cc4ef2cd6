"""lock_tonio.py NOTATION THREADS BODY COUNT: 10 tasks acquire one lock COUNT times each.

The same text for our tonio and for the Rust TonIO.
"""

import sys

import report
import tonio
import tonio.colored
from tonio.colored import sync as colored_sync
from tonio.colored import yield_now
from tonio import sync

notation, threads, body, count = sys.argv[1:]
count = int(count)


def generator_pass(lock):
    for _ in range(count):
        with (yield lock()):
            pass


def generator_yield(lock):
    for _ in range(count):
        with (yield lock()):
            yield


async def coroutine_pass(lock):
    for _ in range(count):
        async with lock:
            pass


async def coroutine_yield(lock):
    for _ in range(count):
        async with lock:
            await yield_now()


def run_generators():
    lock = sync.Lock()
    work = {"pass": generator_pass, "yield": generator_yield}[body]
    with report.stopwatch() as execute:
        yield tonio.spawn(*[work(lock) for _ in range(10)])
    report.execution(execute)


async def run_coroutines():
    lock = colored_sync.Lock()
    work = {"pass": coroutine_pass, "yield": coroutine_yield}[body]
    with report.stopwatch() as execute:
        await tonio.colored.spawn(*[work(lock) for _ in range(10)])
    report.execution(execute)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
