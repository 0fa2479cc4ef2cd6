"""pingpong_tonio.py NOTATION THREADS SWITCHES: two tasks wake each other by events.

The same text for our tonio and for the Rust TonIO.
"""

import sys

import report
import tonio
import tonio.colored

notation, threads, switches = sys.argv[1:]
rounds = int(switches) // 2


def generator(mine, other):
    for _ in range(rounds):
        yield mine.wait()
        mine.clear()
        other.set()


async def coroutine(mine, other):
    for _ in range(rounds):
        await mine.wait()
        mine.clear()
        other.set()


def run_generators():
    ping, pong = tonio.Event(), tonio.Event()
    with report.stopwatch() as execute:
        join = tonio.spawn(generator(ping, pong), generator(pong, ping))
        ping.set()
        yield join
    report.execution(execute)


async def run_coroutines():
    ping, pong = tonio.colored.Event(), tonio.colored.Event()
    with report.stopwatch() as execute:
        join = tonio.colored.spawn(coroutine(ping, pong), coroutine(pong, ping))
        ping.set()
        await join
    report.execution(execute)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
