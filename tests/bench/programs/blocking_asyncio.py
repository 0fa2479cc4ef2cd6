"""blocking_asyncio.py COUNT: the same work for asyncio, as blocking_tonio.py does it."""

import asyncio
import sys

import report

count = int(sys.argv[1])


def nothing():
    pass


async def main():
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, nothing)
    with report.stopwatch() as execute:
        for _ in range(count):
            await loop.run_in_executor(None, nothing)
    report.execution(execute)


asyncio.run(main())
