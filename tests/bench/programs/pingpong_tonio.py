"""pingpong_tonio.py NOTATION THREADS SWITCHES PAIRS: two tasks wake each other by events, in
each of PAIRS pairs, which share SWITCHES.

The same text for our tonio and for the Rust TonIO.
"""

import sys

import report
import tonio
import tonio.colored

notation, threads, switches, pairs = sys.argv[1:]
rounds = int(switches) // (2 * int(pairs))


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
    with report.stopwatch() as execute:
        players = []
        for _ in range(int(pairs)):
            ping, pong = tonio.Event(), tonio.Event()
            players += generator(ping, pong), generator(pong, ping)
            ping.set()
        yield tonio.spawn(*players)
    report.execution(execute)


async def run_coroutines():
    with report.stopwatch() as execute:
        players = []
        for _ in range(int(pairs)):
            ping, pong = tonio.colored.Event(), tonio.colored.Event()
            players += coroutine(ping, pong), coroutine(pong, ping)
            ping.set()
        await tonio.colored.spawn(*players)
    report.execution(execute)


if notation == "yield":
    tonio.run(run_generators(), threads=int(threads))
else:
    tonio.colored.run(run_coroutines(), threads=int(threads))
