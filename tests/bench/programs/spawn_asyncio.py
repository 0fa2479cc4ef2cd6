"""spawn_asyncio.py COUNT: the same work for asyncio, as spawn_tonio.py does it."""

import asyncio
import sys

import report


async def coroutine():
    return 1


async def main():
    with report.stopwatch() as execute:
        for _ in range(int(sys.argv[1])):
            await asyncio.create_task(coroutine())
    report.execution(execute)


asyncio.run(main())
