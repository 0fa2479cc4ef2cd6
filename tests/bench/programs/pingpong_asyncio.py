"""pingpong_asyncio.py SWITCHES PAIRS: the same work for asyncio, as pingpong_tonio.py does it."""

import asyncio
import sys

import report

switches, pairs = map(int, sys.argv[1:])
rounds = switches // (2 * pairs)


async def player(mine, other):
    for _ in range(rounds):
        await mine.wait()
        mine.clear()
        other.set()


async def main():
    with report.stopwatch() as execute:
        players = []
        for _ in range(pairs):
            ping, pong = asyncio.Event(), asyncio.Event()
            players += player(ping, pong), player(pong, ping)
            ping.set()
        await asyncio.gather(*players)
    report.execution(execute)


asyncio.run(main())
