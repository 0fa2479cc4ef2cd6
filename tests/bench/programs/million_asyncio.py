"""million_asyncio.py COUNT: the same work for asyncio, as million_tonio.py does it."""

import asyncio
import sys
from asyncio import sleep

import report

count = int(sys.argv[1])


async def coroutine():
    await sleep(0)
    return 3**2


async def main():
    with report.stopwatch() as create:
        coros = [coroutine() for _ in range(count)]
    with report.stopwatch() as execute:
        join = asyncio.gather(*coros)
        del coros
        results = await join
    assert len(results) == count and results[0] == results[-1] == 9
    report.million(create.seconds, execute.seconds, execute.cpu_seconds)


asyncio.run(main())
