"""pingpong_asyncio.py SWITCHES: the same work for asyncio, as pingpong_tonio.py does it."""

import asyncio
import sys

import report

rounds = int(sys.argv[1]) // 2


async def player(mine, other):
    for _ in range(rounds):
        await mine.wait()
        mine.clear()
        other.set()


async def main():
    ping, pong = asyncio.Event(), asyncio.Event()
    with report.stopwatch() as execute:
        ping.set()
        await asyncio.gather(player(ping, pong), player(pong, ping))
    report.execution(execute)


asyncio.run(main())
